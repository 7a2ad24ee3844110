//! The sample service and the demo workspace.
