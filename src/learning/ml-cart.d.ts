/** ml-cart ships no types. Only what is used here is declared; trees are checked when they are read (weak-tree.ts). */
declare module 'ml-cart' {
  export interface RegressionOptions {
    gainFunction?: 'regression';
    splitFunction?: 'mean';
    minNumSamples?: number;
    maxDepth?: number;
    gainThreshold?: number;
  }
  /** Inner nodes have both children; a row goes left where its value is below `splitValue`, so NaN goes right. */
  export interface RegressionNode {
    splitColumn?: number;
    splitValue?: number;
    left?: RegressionNode;
    right?: RegressionNode;
    distribution?: number;
  }
  export class DecisionTreeRegression {
    constructor(options?: RegressionOptions);
    root: RegressionNode;
    train(rows: number[][], values: number[]): void;
    predict(rows: number[][]): number[];
  }
}
