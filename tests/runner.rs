//! The runner as a real process with real children: output, endings, and every way in which somebody dies.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use flowdeck::logs::log_path;
use flowdeck::logs::read::Log;
use flowdeck::model::{LogLine, Stream};
use flowdeck::process::{Exit, Program, Spec, procfs};
use flowdeck::runner::{Handle, Known, Launch, Report, Welcome, end_orphans, forget_results, leftover_results, never_started};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use tempfile::TempDir;
use tokio::sync::mpsc::Receiver;

/// Longer than anything takes on a slow machine; no test waits for it to pass.
const LONG: Duration = Duration::from_secs(60);

/// A run's directory, and its runner, which must not outlive the test, also when that fails.
struct Place {
    dir: TempDir,
    pid: i32,
    gates: BTreeMap<String, fs::File>,
}

impl Drop for Place {
    fn drop(&mut self) {
        kill(self.pid);
        gone(self.pid);
        end_orphans(self.dir.path(), &[], true).ok();
    }
}

impl Place {
    fn path(&self) -> &Path {
        self.dir.path()
    }

    async fn adopt(self) -> Run {
        let (handle, reports, welcome) = Handle::adopt(self.path(), Vec::new(), BTreeMap::new()).await.unwrap().unwrap();
        Run { dir: self, handle, reports, welcome }
    }
}

struct Run {
    dir: Place,
    handle: Handle,
    reports: Receiver<Report>,
    welcome: Welcome,
}

impl Run {
    async fn new() -> Self {
        Self::with_masks(&[]).await
    }

    async fn with_masks(masks: &[&str]) -> Self {
        Self::in_dir(tempfile::tempdir().unwrap(), masks).await
    }

    async fn in_dir(dir: TempDir, masks: &[&str]) -> Self {
        let exe = Path::new(env!("CARGO_BIN_EXE_flowdeck"));
        let masks = masks.iter().map(|mask| (*mask).to_owned()).collect();
        let environment = BTreeMap::from([("TOKEN".to_owned(), "value-of-token".to_owned())]);
        let (handle, reports, welcome) = Handle::launch(Launch { exe, dir: dir.path(), masks, environment }).await.unwrap();
        Self { dir: Place { dir, pid: welcome.pid, gates: BTreeMap::new() }, handle, reports, welcome }
    }

    /// The engine goes away without a word; the run's directory and its runner stay.
    fn engine_dies(self) -> Place {
        self.dir
    }

    async fn start(&self, stage: &str, script: &str) {
        self.handle.start(&stage.into(), 1, self.spec(script)).await;
    }

    fn spec(&self, script: &str) -> Spec {
        let interpreter = vec!["sh".to_owned(), "-e".to_owned()];
        Spec {
            program: Program::Script { interpreter, text: script.to_owned(), secret: false },
            cwd: self.dir.path().to_str().unwrap().to_owned(),
            env: Vec::new(),
            stdin: None,
            timeout_ms: None,
            grace_ms: 10_000,
        }
    }

    async fn next(&mut self) -> Report {
        tokio::time::timeout(LONG, self.reports.recv()).await.expect("a report in time").expect("a report")
    }

    async fn started(&mut self, name: &str) -> i32 {
        loop {
            match self.next().await {
                Report::Started { stage, pid, .. } if stage.as_str() == name => return pid,
                Report::Gone => panic!("the runner is gone"),
                _ => {}
            }
        }
    }

    /// Waits for the end of an attempt, which the runner may have reported in its welcome, and acknowledges it.
    async fn finished(&mut self, name: &str) -> Exit {
        let known = self.welcome.attempts.iter().find(|(stage, _, _)| stage.as_str() == name);
        if let Some((stage, attempt, Known::Finished { exit })) = known {
            self.handle.ack(stage, *attempt).await;
            return exit.clone();
        }
        loop {
            match self.next().await {
                Report::Finished { stage, attempt, exit } if stage.as_str() == name => {
                    self.handle.ack(&stage, attempt).await;
                    return exit;
                }
                Report::Gone => panic!("the runner is gone"),
                _ => {}
            }
        }
    }

    /// Waits until the log has so many lines, and returns them.
    async fn lines(&mut self, name: &str, count: u64) -> Vec<LogLine> {
        loop {
            match self.next().await {
                Report::Progress { stage, lines, .. } if stage.as_str() == name && lines >= count => return self.log(name),
                Report::Finished { stage, exit, .. } if stage.as_str() == name => panic!("ended with {exit:?}"),
                Report::Gone => panic!("the runner is gone"),
                _ => {}
            }
        }
    }

    fn log(&self, stage: &str) -> Vec<LogLine> {
        Log::open(&log_path(self.dir.path(), &stage.into(), 1)).unwrap().window(Some(0), u64::MAX).unwrap()
    }

    /// A named pipe that a script waits at (`read x < NAME`) until the gate is opened.
    fn gate(&mut self, name: &str) {
        let path = self.dir.path().join(name);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, rustix::fs::Mode::from(0o600), 0).unwrap();
        // Open for both: so nobody waits for, or misses, the other end.
        let gate = fs::File::options().read(true).write(true).open(&path).unwrap();
        self.dir.gates.insert(name.to_owned(), gate);
    }

    fn open_gate(&mut self, name: &str) {
        self.dir.gates.get_mut(name).unwrap().write_all(b"\n").unwrap();
    }
}

fn kill(pid: i32) {
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).ok();
}

/// Waits until the process does not exist any more (or only waits to be reaped).
fn gone(pid: i32) {
    if let Ok(pidfd) = pidfd_open(Pid::from_raw(pid).unwrap(), PidfdFlags::empty()) {
        let mut fds = [rustix::event::PollFd::new(&pidfd, rustix::event::PollFlags::IN)];
        let limit = rustix::event::Timespec { tv_sec: LONG.as_secs().cast_signed(), tv_nsec: 0 };
        assert!(rustix::event::poll(&mut fds, Some(&limit)).unwrap() > 0, "{pid} is still there");
    }
}

fn alive(pid: i32) -> bool {
    procfs::stat(pid).is_some_and(|stat| !stat.dead)
}

fn texts(lines: &[LogLine]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

#[tokio::test]
async fn both_streams_are_in_one_log_in_order() {
    let mut run = Run::new().await;
    run.gate("go");
    run.start("both", "echo one; read x < go; echo two >&2; read x < go; echo three; printf four >&2").await;
    for expected in 1..=2 {
        assert_eq!(run.lines("both", expected).await.len() as u64, expected);
        run.open_gate("go");
    }
    let exit = run.finished("both").await;
    assert_eq!((exit.code, exit.lines, exit.failure), (Some(0), 4, None));
    let lines = run.log("both");
    assert_eq!(texts(&lines[..2]), ["one", "two"]);
    let streams: Vec<_> = lines.iter().map(|line| (line.text.as_str(), line.stream)).collect();
    assert!(streams.contains(&("three", Stream::Stdout)) && streams.contains(&("four", Stream::Stderr)), "{streams:?}");
    assert_eq!(exit.bytes, fs::metadata(log_path(run.dir.path(), &"both".into(), 1)).unwrap().len());
}

#[tokio::test]
async fn exit_codes_signals_and_failures_to_start_are_told_apart() {
    let mut run = Run::new().await;
    run.start("code", "exit 7").await;
    assert_eq!(run.finished("code").await.code, Some(7));
    run.start("signal", "kill -9 $$").await;
    let exit = run.finished("signal").await;
    assert_eq!((exit.code, exit.signal), (None, Some(9)));
    let mut spec = run.spec("");
    spec.program = Program::Command(vec!["no-such-program".to_owned(), "x".to_owned()]);
    run.handle.start(&"missing".into(), 1, spec.clone()).await;
    assert_eq!(run.finished("missing").await.failure.unwrap(), "could not start no-such-program: no such file or directory");
    spec.cwd = "/no/such/directory".to_owned();
    run.handle.start(&"nowhere".into(), 1, spec).await;
    assert_eq!(run.finished("nowhere").await.failure.unwrap(), "the working directory /no/such/directory does not exist");
}

#[tokio::test]
async fn a_stage_gets_its_input_environment_and_directory() {
    let mut run = Run::new().await;
    let bin = run.dir.path().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("own-tool"), "#!/bin/sh\necho tool\n").unwrap();
    fs::set_permissions(bin.join("own-tool"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut spec = run.spec("cat; echo $GREETING; pwd; own-tool");
    spec.stdin = Some("from stdin\n".to_owned());
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    spec.env = vec![("GREETING".to_owned(), "hello".to_owned()), ("PATH".to_owned(), path)];
    run.handle.start(&"env".into(), 1, spec).await;
    assert_eq!(run.finished("env").await.code, Some(0));
    let cwd = run.dir.path().canonicalize().unwrap();
    assert_eq!(texts(&run.log("env")), ["from stdin", "hello", cwd.to_str().unwrap(), "tool"]);
}

#[tokio::test]
async fn a_secret_script_is_in_no_argument_and_no_file() {
    let mut run = Run::with_masks(&["tops3cret"]).await;
    run.gate("go");
    let mut spec = run.spec("echo tops3cret; tr '\\0' ' ' < /proc/$$/cmdline; echo; read x < go");
    if let Program::Script { secret, .. } = &mut spec.program {
        *secret = true;
    }
    run.handle.start(&"hidden".into(), 1, spec).await;
    let lines = run.lines("hidden", 2).await;
    assert_eq!(lines[0].text, "***");
    assert!(lines[1].text.starts_with("sh -e /proc/"), "{}", lines[1].text);
    let found = Command::new("grep").args(["-r", "--devices=skip", "tops3cret"]).arg(run.dir.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
    run.open_gate("go");
    assert_eq!(run.finished("hidden").await.code, Some(0));
}

#[tokio::test]
async fn outputs_are_read_masked_and_removed() {
    let mut run = Run::with_masks(&["tops3cret"]).await;
    run.start("out", "echo a=1 >> $FLOWDECK_OUTPUT; echo '{\"b\": [\"tops3cret\"]}' >> $FLOWDECK_OUTPUT; echo $FLOWDECK_OUTPUT")
        .await;
    let exit = run.finished("out").await;
    assert_eq!(serde_json::Value::Object(exit.outputs), serde_json::json!({"a": "1", "b": ["***"]}));
    let lines = run.log("out");
    assert!(lines[0].text.starts_with(run.dir.path().canonicalize().unwrap().to_str().unwrap()));
    assert!(!Path::new(&lines[0].text).exists());
    run.start("bad", "echo nonsense > $FLOWDECK_OUTPUT").await;
    assert!(run.finished("bad").await.failure.unwrap().contains("line 1 of $FLOWDECK_OUTPUT"));
}

#[tokio::test]
async fn a_stage_that_ignores_term_is_killed_after_the_grace() {
    let mut run = Run::new().await;
    let mut spec = run.spec("trap '' TERM; echo ready; while :; do sleep 1000; done");
    spec.grace_ms = 50;
    run.handle.start(&"deaf".into(), 1, spec).await;
    run.lines("deaf", 1).await;
    run.handle.cancel(&"deaf".into(), 1, false).await;
    let exit = run.finished("deaf").await;
    assert!(exit.cancelled && exit.signal == Some(9), "{exit:?}");
    assert!(exit.duration_ms >= 50);
}

#[tokio::test]
async fn term_gives_a_stage_the_time_to_clean_up_and_force_does_not() {
    let mut run = Run::new().await;
    let script = "trap 'echo cleaned; exit 3' TERM; echo ready; while :; do sleep 1000 & wait; done";
    run.start("gentle", script).await;
    run.lines("gentle", 1).await;
    run.handle.cancel(&"gentle".into(), 1, false).await;
    let exit = run.finished("gentle").await;
    assert_eq!((exit.code, exit.cancelled), (Some(3), true));
    assert_eq!(texts(&run.log("gentle")), ["ready", "cleaned"]);
    run.start("forced", "trap '' TERM; echo ready; while :; do sleep 1000; done").await;
    run.lines("forced", 1).await;
    run.handle.cancel(&"forced".into(), 1, false).await;
    run.handle.cancel(&"forced".into(), 1, true).await;
    let exit = run.finished("forced").await;
    assert!(exit.cancelled && exit.signal == Some(9) && exit.duration_ms < 10_000, "{exit:?}");
}

#[tokio::test]
async fn a_background_process_that_keeps_the_pipe_open_is_ended_with_its_stage() {
    let mut run = Run::new().await;
    run.start("holder", "sleep 1000 & echo $!").await;
    let exit = run.finished("holder").await;
    assert_eq!(exit.code, Some(0));
    assert!(!alive(run.log("holder")[0].text.parse().unwrap()));
}

#[tokio::test]
async fn a_daemon_that_detached_itself_survives_a_normal_end_but_not_a_cancel() {
    let mut run = Run::new().await;
    run.gate("go");
    run.start("daemon", "setsid sh -c 'echo $$; exec sleep 1000' & read x < go").await;
    let daemon: i32 = run.lines("daemon", 1).await[0].text.parse().unwrap();
    run.open_gate("go");
    assert_eq!(run.finished("daemon").await.code, Some(0));
    assert!(alive(daemon));
    run.start("cancelled", "setsid sh -c 'echo $$; exec sleep 1000' & sleep 1000").await;
    let other: i32 = run.lines("cancelled", 1).await[0].text.parse().unwrap();
    run.handle.cancel(&"cancelled".into(), 1, false).await;
    let exit = run.finished("cancelled").await;
    assert!(exit.cancelled);
    assert!(!alive(other));
    assert!(alive(daemon));
    kill(daemon);
}

#[tokio::test]
async fn a_line_of_a_megabyte_arrives_whole_and_a_prompt_at_once() {
    let mut run = Run::new().await;
    run.gate("go");
    run.start("long", "head -c 1000000 /dev/zero | tr '\\0' x; echo; printf 'Name: '; read x < go; echo; echo done").await;
    let lines = run.lines("long", 17).await;
    let prompt = lines.last().unwrap();
    assert_eq!((prompt.text.as_str(), prompt.partial), ("Name: ", true));
    let long: String = lines[..lines.len() - 1].iter().map(|line| line.text.as_str()).collect();
    assert_eq!((long.len(), long.trim_matches('x')), (1_000_000, ""));
    run.open_gate("go");
    assert_eq!(run.finished("long").await.code, Some(0));
    assert_eq!(run.log("long").last().unwrap().text, "done");
}

#[tokio::test]
async fn secrets_never_reach_the_disk() {
    let mut run = Run::with_masks(&["hunter2/é x", "line one\nline two\n"]).await;
    let script = "s='hunter2/é x'; printf %s \"$s\" | head -c 5; sleep 0; printf %s \"$s\" | tail -c +6; echo; printf %s \"u:$s\" | base64; echo 'hunter2%2F%C3%A9%20x'; echo the line two; printf 'line one\nline two\n'";
    run.start("mask", script).await;
    run.finished("mask").await;
    let lines = run.log("mask");
    let all = texts(&lines).join("\n");
    assert_eq!(lines[0].text, "***");
    assert!(lines[1].text.contains("***"), "{all}");
    assert_eq!(texts(&lines[2..]), ["***", "the ***", "***"]);
    for part in ["hunter2", "line one", "line two"] {
        assert!(!all.contains(part), "{all}");
    }
}

#[tokio::test]
async fn the_deadline_is_kept_while_no_engine_is_connected() {
    let mut run = Run::new().await;
    let mut spec = run.spec("sleep 1000");
    spec.timeout_ms = Some(100);
    run.handle.start(&"slow".into(), 1, spec).await;
    let pid = run.started("slow").await;
    let place = run.engine_dies();
    gone(pid);
    let mut run = place.adopt().await;
    let exit = run.finished("slow").await;
    assert!(exit.timed_out && exit.signal == Some(15), "{exit:?}");
}

#[tokio::test]
async fn a_new_engine_finds_running_and_finished_attempts_and_the_environment() {
    let mut run = Run::with_masks(&["tops3cret"]).await;
    run.gate("go");
    run.start("short", "echo k=v > $FLOWDECK_OUTPUT").await;
    run.start("long", "echo one; read x < go; echo two tops3cret").await;
    run.lines("long", 1).await;
    let place = run.engine_dies();
    let pid = place.pid;
    let mut run = place.adopt().await;
    assert_eq!(run.welcome.pid, pid);
    assert_eq!(run.welcome.environment["TOKEN"], "value-of-token");
    assert_eq!(run.welcome.masks, ["tops3cret"]);
    let long = run.welcome.attempts.iter().find(|(stage, _, _)| stage.as_str() == "long");
    assert!(matches!(long, Some((_, 1, Known::Running { pid: Some(_) }))), "{long:?}");
    assert_eq!(run.finished("short").await.outputs["k"], "v");
    // Asking again does not start it again.
    run.start("long", "echo one; echo never").await;
    run.open_gate("go");
    assert_eq!(run.finished("long").await.lines, 2);
    assert_eq!(texts(&run.log("long")), ["one", "two ***"]);
    // All is acknowledged now, also what had been written to disk in the meantime.
    run.handle.shutdown().await;
    while run.next().await != Report::Gone {}
    assert_eq!(leftover_results(run.dir.path()).unwrap(), []);
}

#[tokio::test]
async fn an_acknowledged_attempt_is_not_started_again() {
    let mut run = Run::new().await;
    run.start("once", "echo x >> ran").await;
    run.finished("once").await;
    run.start("once", "echo x >> ran").await;
    run.start("after", "true").await;
    run.finished("after").await;
    assert_eq!(fs::read_to_string(run.dir.path().join("ran")).unwrap(), "x\n");
}

#[tokio::test]
async fn a_wrong_cookie_is_refused_and_disturbs_nobody() {
    use std::io::Read;
    let mut run = Run::new().await;
    run.gate("go");
    run.start("long", "read x < go").await;
    run.started("long").await;
    let place = run.engine_dies();
    let socket = flowdeck::runner::socket_path(&place.path().canonicalize().unwrap());
    for text in ["{\"hello\":{\"cookie\":\"guess\",\"masks\":[],\"environment\":{}}}\n", "GET / HTTP/1.1\n\n"] {
        let mut stream = std::os::unix::net::UnixStream::connect(&socket).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // Closing with unread bytes may reset the connection; either way nothing is answered.
        stream.read_to_end(&mut answer).ok();
        assert_eq!(String::from_utf8_lossy(&answer), "");
    }
    let mut run = place.adopt().await;
    run.open_gate("go");
    assert_eq!(run.finished("long").await.code, Some(0));
}

#[tokio::test]
async fn results_nobody_took_are_on_disk_when_the_runner_dies() {
    let mut run = Run::new().await;
    for stage in ["a", "b", "c"] {
        run.start(stage, "echo k=$0 > $FLOWDECK_OUTPUT").await;
    }
    let mut left = 3;
    while left > 0 {
        left -= u32::from(matches!(run.next().await, Report::Finished { .. }));
    }
    // The next engine acknowledges one of them; by then all are written, for that engine came over a connection that ended.
    run.handle.ack(&"a".into(), 1).await;
    run.handle.shutdown().await;
    let place = run.engine_dies();
    gone(place.pid);
    let mut names: Vec<_> = leftover_results(place.path())
        .unwrap()
        .into_iter()
        .map(|(stage, attempt, exit)| {
            assert_eq!((attempt, exit.code), (1, Some(0)));
            stage.as_str().to_owned()
        })
        .collect();
    names.sort();
    names.retain(|name| name != "a");
    assert_eq!(names, ["b", "c"]);
    assert!(Handle::adopt(place.path(), Vec::new(), BTreeMap::new()).await.unwrap().is_none());
    forget_results(place.path()).unwrap();
    assert_eq!(leftover_results(place.path()).unwrap(), []);
}

#[tokio::test]
async fn after_the_runner_is_killed_its_processes_are_found_and_ended() {
    let mut run = Run::new().await;
    run.gate("go");
    run.start("family", "setsid sh -c 'echo $$; exec sleep 1000' & env -i sleep 1000 & echo $!; echo $$; read x < go").await;
    let pids: Vec<i32> = run.lines("family", 3).await.iter().map(|line| line.text.parse().unwrap()).collect();
    assert!(end_orphans(run.dir.path(), &[("family".into(), 1)], true).is_err(), "a living runner's processes are its own");
    kill(run.dir.pid);
    while run.next().await != Report::Gone {}
    gone(run.dir.pid);
    assert!(end_orphans(run.dir.path(), &[("family".into(), 1)], true).unwrap() >= 3);
    assert!(pids.iter().all(|pid| !alive(*pid)), "{pids:?}");
    assert_eq!(leftover_results(run.dir.path()).unwrap(), []);
    assert!(!never_started(run.dir.path()));
}

#[tokio::test]
async fn the_runner_leaves_when_it_is_told_to_and_all_is_acknowledged() {
    let mut run = Run::new().await;
    run.start("a", "true").await;
    run.finished("a").await;
    run.handle.shutdown().await;
    while run.next().await != Report::Gone {}
    gone(run.dir.pid);
    assert_eq!(leftover_results(run.dir.path()).unwrap(), []);
    assert!(!flowdeck::runner::socket_path(&run.dir.path().canonicalize().unwrap()).exists());
}

#[tokio::test]
async fn a_second_runner_for_the_same_run_is_the_first_one() {
    let mut run = Run::new().await;
    run.gate("go");
    run.start("long", "read x < go").await;
    run.started("long").await;
    let place = run.engine_dies();
    let exe = Path::new(env!("CARGO_BIN_EXE_flowdeck"));
    let launch = Launch { exe, dir: place.path(), masks: Vec::new(), environment: BTreeMap::new() };
    let (handle, reports, welcome) = Handle::launch(launch).await.unwrap();
    assert_eq!(welcome.pid, place.pid);
    let mut run = Run { dir: place, handle, reports, welcome };
    run.open_gate("go");
    assert_eq!(run.finished("long").await.code, Some(0));
}

#[tokio::test]
async fn a_runner_that_left_is_no_runner_and_a_new_one_takes_its_place() {
    let mut run = Run::new().await;
    run.start("before", "true").await;
    run.finished("before").await;
    run.handle.shutdown().await;
    let mut place = run.engine_dies();
    // Whether it is still on its way out or gone already makes no difference.
    assert!(Handle::adopt(place.path(), Vec::new(), BTreeMap::new()).await.unwrap().is_none());
    let exe = Path::new(env!("CARGO_BIN_EXE_flowdeck"));
    let launch = Launch { exe, dir: place.path(), masks: Vec::new(), environment: BTreeMap::new() };
    let (handle, reports, welcome) = Handle::launch(launch).await.unwrap();
    let old = std::mem::replace(&mut place.pid, welcome.pid);
    assert_ne!(welcome.pid, old);
    let mut run = Run { dir: place, handle, reports, welcome };
    run.start("after", "echo here").await;
    assert_eq!(run.finished("after").await.code, Some(0));
}

#[tokio::test]
async fn the_runner_lets_go_of_what_its_starter_left_open() {
    // Without close-on-exec, as a shell or a lock program does it.
    let (ours, theirs) = rustix::pipe::pipe().unwrap();
    let mut run = Run::new().await;
    drop(theirs);
    let mut fds = [rustix::event::PollFd::new(&ours, rustix::event::PollFlags::IN)];
    let limit = rustix::event::Timespec { tv_sec: LONG.as_secs().cast_signed(), tv_nsec: 0 };
    assert!(rustix::event::poll(&mut fds, Some(&limit)).unwrap() > 0, "the runner still holds the pipe");
    run.start("after", "true").await;
    assert_eq!(run.finished("after").await.code, Some(0));
}

/// A mounted file system, unmounted also when the test fails.
struct Mounted(std::path::PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
        fs::remove_dir(&self.0).ok();
    }
}

#[tokio::test]
async fn a_full_disk_ends_the_stage_with_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).arg(dir.path()).output();
    if !mounted.is_ok_and(|mounted| mounted.status.success()) {
        // Only root may mount; the rest of the suite does not need it.
        #[expect(clippy::print_stderr, reason = "a test that checks nothing must say so")]
        {
            eprintln!("SKIPPED: a file system of limited size could not be mounted");
        }
        return;
    }
    let _mounted = Mounted(dir.path().to_owned());
    let mut run = Run::in_dir(dir, &[]).await;
    run.start("flood", "yes").await;
    let exit = run.finished("flood").await;
    let lines = run.log("flood");
    kill(run.dir.pid);
    gone(run.dir.pid);
    assert_eq!(exit.failure.unwrap(), "the log could not be written: no space left on device");
    assert!(lines.len() > 1000 && lines.iter().all(|line| line.text == "y"));
}
