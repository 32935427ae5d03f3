/** A training thread whose module fails while it loads, as with a native dependency that is not there. */
throw new Error('a dependency is missing');
