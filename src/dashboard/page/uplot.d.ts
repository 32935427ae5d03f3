/** Served as `uplot.js` from the package `uplot`, whose types these are. */
export { default } from 'uplot';
