//! One file per component type, one table.
