/** Served as `uplot.js` from the package `uplot`, whose types these are. */
import type uPlot from 'uplot';

declare const served: typeof uPlot;
export default served;
