%% What Erlang/OTP does in the figures of otp.bench.ts: one line of JSON on standard output.
-module(otp_bench).
-behaviour(gen_server).
-export([main/0, start_link/1, start_sup/2]).
-export([init/1, handle_call/3, handle_cast/2]).

main() ->
    logger:set_primary_config(level, none),
    process_flag(trap_exit, true),
    Figures = [{call_us, call_us()}, {casts_per_s, casts_per_s()}, {restart_us, restart_us()}, {bytes_per_actor, bytes_per_actor()}
               | tree(1000, "1k") ++ tree(10000, "10k")],
    io:format("{~s}~n", [lists:join(",", [io_lib:format("\"~s\":~.4f", [K, float(V)]) || {K, V} <- Figures])]),
    erlang:halt(0).

start_link(Told) -> gen_server:start_link(?MODULE, Told, []).
start_sup(Strategy, N) -> supervisor:start_link(?MODULE, {Strategy, N}).

init({sup, Strategy, Intensity, Specs}) -> {ok, {#{strategy => Strategy, intensity => Intensity, period => 1}, Specs}};
init(Told) -> is_pid(Told) andalso (Told ! {started, self()}), {ok, 0}.
handle_call(get, _From, S) -> {reply, S, S}.
handle_cast(add, S) -> {noreply, S + 1};
handle_cast(crash, _S) -> exit(boom).

now_us() -> erlang:monotonic_time(nanosecond) / 1000.
median(List) -> lists:nth(length(List) div 2 + 1, lists:sort(List)).
repeat(0, _) -> ok;
repeat(N, F) -> F(), repeat(N - 1, F).

%% Microseconds of one call: median over batches of 1000.
call_us() ->
    {ok, Pid} = start_link(none),
    Call = fun() -> gen_server:call(Pid, get) end,
    repeat(50000, Call),
    median([begin T = now_us(), repeat(1000, Call), (now_us() - T) / 1000 end || _ <- lists:seq(1, 150)]).

casts_per_s() ->
    median([begin
                {ok, Pid} = start_link(none),
                T = now_us(),
                repeat(1000000, fun() -> gen_server:cast(Pid, add) end),
                1000000 = gen_server:call(Pid, get, infinity),
                1000000 / (now_us() - T) * 1000000
            end || _ <- lists:seq(1, 5)]).

%% From the crash of a child to the init of the next one.
restart_us() ->
    Spec = #{id => a, start => {?MODULE, start_link, [self()]}},
    {ok, Sup} = supervisor:start_link(?MODULE, {sup, one_for_one, 1000000, [Spec]}),
    Pid = receive {started, P} -> P end,
    median(restarts(Pid, 5000, Sup)).

restarts(_Pid, 0, Sup) -> end_of(Sup), [];
restarts(Pid, N, Sup) ->
    T = now_us(),
    gen_server:cast(Pid, crash),
    Next = receive {started, P} -> P end,
    [now_us() - T | restarts(Next, N - 1, Sup)].

end_of(Sup) -> exit(Sup, shutdown), receive {'EXIT', Sup, _} -> ok end.

bytes_per_actor() ->
    erlang:garbage_collect(),
    Before = erlang:memory(processes),
    Pids = [begin {ok, P} = gen_server:start(?MODULE, none, []), P end || _ <- lists:seq(1, 100000)],
    Bytes = (erlang:memory(processes) - Before) / 100000,
    [exit(P, kill) || P <- Pids],
    Bytes.

%% Milliseconds to start, one_for_all restart and stop N children.
tree(N, Label) ->
    Specs = [#{id => I, start => {?MODULE, start_link, [case I of N -> self(); _ -> none end]}} || I <- lists:seq(1, N)],
    T1 = now_us(),
    {ok, Sup} = supervisor:start_link(?MODULE, {sup, one_for_all, 10, Specs}),
    Last = receive {started, P} -> P end,
    T2 = now_us(),
    gen_server:cast(Last, crash),
    receive {started, _} -> ok end,
    T3 = now_us(),
    end_of(Sup),
    T4 = now_us(),
    [{"tree_start_ms_" ++ Label, (T2 - T1) / 1000}, {"tree_restart_ms_" ++ Label, (T3 - T2) / 1000}, {"tree_stop_ms_" ++ Label, (T4 - T3) / 1000}].
