//! Process entry: decides whether this process is a runner, an engine or a client.

fn main() {}
