"""A host's shared memory, from one of its workers (docs/shared-memory.md)."""
