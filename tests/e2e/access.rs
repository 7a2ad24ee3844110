//! Who may do what, by the workspace file and the kernel's word; and everything that must not change it.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::people::{Member, Place};
use super::support::{PATIENCE, Said, Workspace};

const PLAIN: &str = "{id: p, stages: [{id: a, type: shell, config: {run: 'echo ran >> effects'}}]}";

fn settings(workspace: &Workspace, text: &str) {
    fs::write(workspace.file("flowdeck.toml"), text).expect("the file");
}

/// The login name of whoever runs the tests.
fn me() -> String {
    Workspace::new().ok(&["whoami", "--json"]).json()["name"].as_str().expect("a name").to_owned()
}

fn role(role: &str, name: &str) -> String {
    format!("[access.roles]\n{role} = {{ users = [{name:?}] }}\n")
}

fn forbidden(said: &Said, words: &[&str]) {
    assert_eq!(said.code, Some(3), "{said:#?}");
    for word in words {
        assert!(said.err.contains(word), "{word}: {said:#?}");
    }
}

fn group_settings(member: &Member) -> String {
    let group = &member.group;
    format!("[engine]\ngroup = {group:?}\n[access.roles]\noperator = {{ groups = [{group:?}] }}\n")
}

fn allowed(whoami: &Value, action: &str, environment: Option<&str>) -> bool {
    let all = whoami["may"].as_array().expect("a list");
    let wanted = |one: &&Value| one["action"] == action && one["environment"].as_str() == environment;
    all.iter().find(wanted).unwrap_or_else(|| panic!("{action} is not told of: {whoami:#}"))["allowed"] == true
}

fn socket(workspace: &Workspace) -> PathBuf {
    let state = workspace.state().join("engine.sock");
    if state.exists() {
        return state;
    }
    workspace.ok(&["engine", "status", "--json"]).json()["socket"].as_str().expect("a path").into()
}

/// A request with headers of the caller's choice: status and body.
fn ask(socket: &Path, request: &str, headers: &str) -> (u16, String) {
    let mut stream = UnixStream::connect(socket).expect("the socket");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    write!(stream, "{request} HTTP/1.1\r\nHost: flowdeck\r\nConnection: close\r\n{headers}\r\n").expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let status = text.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    (status, text)
}

#[test]
fn without_an_access_section_the_engines_own_user_may_do_everything_and_is_told_so() {
    let workspace = Workspace::with("p.yaml", PLAIN);
    settings(&workspace, "[environments.production]\nprotected = true\n");
    let whoami = workspace.ok(&["whoami", "--json"]).json();
    assert_eq!(whoami["uid"], rustix::process::geteuid().as_raw());
    assert_eq!((&whoami["proof"], &whoami["engine_user"]), (&"peer_credentials".into(), &whoami["name"]));
    for action in ["view", "operate", "administer"] {
        assert!(allowed(&whoami, action, None), "{action}");
    }
    assert!(allowed(&whoami, "deploy", Some("production")) && allowed(&whoami, "approve", Some("production")));
    assert!(!allowed(&whoami, "break_glass", Some("production")), "nobody has it by being something else");
    let said = workspace.ok(&["whoami"]);
    for words in ["the kernel's word of process", "groups as the system has them now", "production"] {
        assert!(said.out.contains(words), "{words}: {said:#?}");
    }
}

#[test]
fn a_user_of_no_role_is_refused_reads_and_commands_and_told_why() {
    let workspace = Workspace::with("p.yaml", PLAIN);
    let id = workspace.ok(&["run", "p", "--json"]).json()["id"].as_str().expect("an id").to_owned();
    settings(&workspace, &role("admin", "somebody-else"));
    let me = me();
    for args in [
        &["runs"][..],
        &["runs", "show", &id],
        &["runs", "logs", &id],
        &["run", "p"],
        &["runs", "cancel", &id],
        &["runs", "rerun", &id, "--all"],
    ] {
        forbidden(&workspace.say(args), &[&format!("{me} may not look at this workspace"), "viewer", "flowdeck whoami"]);
    }
    assert_eq!(workspace.read("effects"), "ran\n", "nothing was run after that");
    let whoami = workspace.ok(&["whoami", "--json"]).json();
    assert!(!allowed(&whoami, "view", None) && !allowed(&whoami, "administer", None));
    let reason = whoami["may"][0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("viewer in [access.roles]"), "{reason}");
    // The process is theirs all the same.
    workspace.ok(&["engine", "status"]);
    workspace.ok(&["engine", "stop"]);
}

#[test]
fn a_viewer_sees_everything_and_changes_nothing() {
    let workspace = Workspace::with("p.yaml", PLAIN);
    let id = workspace.ok(&["run", "p", "--json"]).json()["id"].as_str().expect("an id").to_owned();
    let me = me();
    settings(&workspace, &role("viewer", &me));
    workspace.ok(&["runs", "show", &id]);
    workspace.ok(&["runs", "logs", &id]);
    let words = format!("{me} may not run pipelines here; needs the role operator");
    for args in [&["run", "p"][..], &["runs", "cancel", &id], &["runs", "rerun", &id, "--all"]] {
        forbidden(&workspace.say(args), &[&words]);
    }
    assert_eq!(workspace.ok(&["runs", "list", "--json"]).json()["runs"].as_array().map(Vec::len), Some(1));
    assert_eq!(workspace.read("effects"), "ran\n");
}

#[test]
fn what_targets_a_protected_environment_wants_a_deployer_of_it_however_it_is_named() {
    let stage = "{id: p, stages: [{id: a, type: logger, environment: production, config: {message: m}}]}";
    let whole = "{id: p, environment: production, stages: [{id: a, type: logger, config: {message: m}}]}";
    let hidden = "{id: p, stages: [{id: a, type: logger, environment: '{{input.where}}', config: {message: m}}]}";
    let below = "{id: p, stages: [{id: a, type: subpipeline, config: {pipeline: deep}}]}";
    let me = me();
    let environments = "[environments.staging]\n[environments.production]\nprotected = true\n";
    let workspace = Workspace::with("deep.yaml", &stage.replace("id: p", "id: deep"));
    settings(&workspace, &format!("{}{environments}", role("operator", &me)));
    let words = [&format!("{me} may not deploy to production; needs the role deployer")[..]];
    for text in [stage, whole, hidden, below] {
        workspace.pipeline("p.yaml", text);
        forbidden(&workspace.say(&["run", "p", "-i", "where=staging"]), &words);
    }
    workspace.pipeline("p.yaml", PLAIN);
    forbidden(&workspace.say(&["run", "p", "--env", "production"]), &words);
    workspace.ok(&["run", "p", "--env", "staging"]);

    let deployer = format!("[access.roles]\ndeployer = {{ users = [{me:?}], environments = [\"production\"] }}\n{environments}");
    settings(&workspace, &deployer);
    let id =
        workspace.ok(&["run", "p", "--env", "production", "--detach", "--json"]).json()["id"].as_str().expect("an id").to_owned();
    settings(&workspace, &format!("{}{environments}", role("operator", &me)));
    // What was allowed to begin is still production's.
    forbidden(&workspace.say(&["runs", "rerun", &id, "--all"]), &words);
    forbidden(&workspace.say(&["runs", "cancel", &id]), &words);
}

#[test]
fn nothing_that_a_process_can_choose_changes_who_it_is() {
    let workspace = Workspace::with("p.yaml", PLAIN);
    settings(&workspace, &role("admin", "dana"));
    workspace.ok(&["engine", "start"]);
    for variable in ["USER", "LOGNAME", "USERNAME", "SUDO_USER", "REMOTE_USER"] {
        let mut command = workspace.command(&["runs"]);
        command
            .env(variable, "dana")
            .env("SUDO_UID", "0")
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        forbidden(&super::support::finish(command.spawn().expect("flowdeck")), &["may not look at this workspace"]);
    }
    let socket = socket(&workspace);
    for header in ["X-Forwarded-User", "Remote-User", "X-Remote-User", "X-Forwarded-Uid", "From", "X-Flowdeck-User", "Cookie"] {
        let (status, body) = ask(&socket, "GET /v1/runs", &format!("{header}: dana\r\n"));
        assert_eq!(status, 403, "{header}: {body}");
    }
    let basic = "Authorization: Basic ZGFuYTpkYW5h\r\n";
    for request in ["GET /v1/runs?user=dana&uid=0", "GET /v1/events", "GET /v1/runs/x/log", "POST /v1/runs/x/cancel"] {
        let (status, body) = ask(&socket, request, basic);
        assert!(status == 403 && body.contains("\"forbidden\""), "{request}: {body}");
    }
    let (status, body) = ask(&socket, "GET /v1/whoami", "X-Forwarded-User: dana\r\n");
    assert!(status == 200 && !body.contains("\"name\":\"dana\""), "{body}");
}

#[test]
fn a_wrong_policy_is_refused_at_its_place_and_the_last_good_one_stays_in_force() {
    let workspace = Workspace::with("p.yaml", PLAIN);
    let me = me();
    let id = workspace.ok(&["run", "p", "--json"]).json()["id"].as_str().expect("an id").to_owned();
    settings(&workspace, &role("viewer", &me));
    let socket = socket(&workspace);
    let good = workspace.ok(&["whoami", "--json"]).json();
    settings(&workspace, &format!("{}operatr = {{ users = [{me:?}] }}\n", role("admin", &me)));
    let said = workspace.say(&["run", "p"]);
    assert_eq!(said.code, Some(2), "{said:#?}");
    for words in ["unknown role `operatr`", "flowdeck.toml:3:1", "did you mean `operator`?"] {
        assert!(said.err.contains(words), "{words}: {said:#?}");
    }
    // Past the command line, which reads the file itself: no admin by a file that is wrong.
    let request = format!("POST /v1/runs/{id}/cancel");
    let (status, body) = ask(&socket, &request, "Content-Type: application/json\r\nContent-Length: 4\r\n\r\n{}");
    assert!(status == 403 && body.contains("operator"), "{body}");
    let (_, body) = ask(&socket, "GET /v1/whoami", "");
    assert!(body.contains("flowdeck.toml:3:1") && body.contains(good["policy"].as_str().expect("a hash")), "{body}");
    settings(&workspace, &role("admin", &me));
    workspace.ok(&["run", "p"]);
}

#[test]
fn an_engine_whose_group_could_not_reach_it_does_not_start() {
    let workspace = Workspace::with("p.yaml", PLAIN);
    settings(&workspace, "[engine]\ngroup = \"no-such-group\"\n");
    let said = workspace.say(&["engine", "start"]);
    assert_eq!(said.code, Some(4), "{said:#?}");
    assert!(said.err.contains("this system has no group `no-such-group`"), "{said:#?}");
    settings(&workspace, "");
}

#[test]
fn a_group_gets_to_the_socket_and_its_members_are_who_the_system_says() {
    let Some(member) = Member::new() else { return };
    let place = Place::new(PLAIN, "");
    place.workspace.ok(&["engine", "start"]);
    let closed = member.say(&place, &["runs"]);
    forbidden(&closed, &["is not open to you", "[engine] group"]);
    place.workspace.ok(&["engine", "stop"]);

    place.settings(&group_settings(&member));
    place.workspace.ok(&["engine", "start"]);
    let state = place.workspace.state();
    let found = fs::metadata(state.join("engine.sock")).expect("the socket");
    assert_eq!(found.permissions().mode() & 0o777, 0o660);
    assert_eq!(found.gid(), fs::metadata(state).expect("the directory").gid());
    let whoami = member.say(&place, &["whoami", "--json"]).json();
    assert_eq!((&whoami["name"], &whoami["uid"]), (&member.user.clone().into(), &member.uid().into()));
    assert!(whoami["groups"].as_array().is_some_and(|groups| groups.contains(&member.group.clone().into())), "{whoami:#}");
    let run = member.say(&place, &["run", "p", "--json"]);
    assert_eq!((run.code, &run.json()["actor"]["name"]), (Some(0), &member.user.clone().into()), "{run:#?}");
    // The engine's own user has no role here, as the file names none.
    forbidden(&place.workspace.say(&["runs"]), &["may not look"]);
}

#[test]
fn journal_logs_and_the_rest_of_the_state_are_closed_to_the_group() {
    let Some(member) = Member::new() else { return };
    let place = Place::new(PLAIN, "");
    place.settings(&group_settings(&member));
    place.workspace.ok(&["engine", "start"]);
    assert_eq!(member.say(&place, &["run", "p"]).code, Some(0));
    let state = place.workspace.state().display().to_string();
    for (program, name) in [
        ("ls", ""),
        ("cat", "flowdeck.db"),
        ("cat", "flowdeck.db-wal"),
        ("ls", "runs"),
        ("ls", "log"),
        ("cat", "engine.lock"),
        ("touch", "new"),
    ] {
        let said =
            super::support::finish(member.command(&place, &[program, &format!("{state}/{name}")]).spawn().expect("setpriv"));
        assert!(said.code != Some(0) && said.err.contains("ermission denied"), "{program} {name}: {said:#?}");
    }
}

#[test]
fn who_was_taken_out_of_a_group_is_out_with_the_next_request_of_the_same_session() {
    let Some(member) = Member::new() else { return };
    let place = Place::new(PLAIN, "");
    place.settings(&group_settings(&member));
    place.workspace.ok(&["engine", "start"]);
    assert_eq!(member.say(&place, &["run", "p"]).code, Some(0));
    member.leave();
    // The session still has the group, as the kernel goes: it opens the socket, and that is all.
    let session = super::support::finish(member.command(&place, &["id", "-Gn"]).spawn().expect("setpriv"));
    assert!(session.out.contains(&member.group), "{session:#?}");
    forbidden(&member.say(&place, &["run", "p"]), &[&format!("{} may not look", member.user)]);
    assert_eq!(member.say(&place, &["whoami", "--json"]).json()["groups"].as_array().map(Vec::len), Some(1), "the primary one");
    assert_eq!(place.workspace.read("effects"), "ran\n");
}

#[test]
fn nobody_starts_an_engine_in_the_state_of_somebody_else() {
    let Some(member) = Member::new() else { return };
    let place = Place::new(PLAIN, "");
    place.settings(&format!("[engine]\ngroup = {:?}\n", member.group));
    place.workspace.ok(&["engine", "start"]);
    place.workspace.ok(&["engine", "stop"]);
    let said = member.say(&place, &["run", "p"]);
    assert_eq!(said.code, Some(4), "{said:#?}");
    assert!(said.err.contains("none runs, and root, whose state directory it is, has to start it"), "{said:#?}");
    let doctor = member.say(&place, &["doctor"]);
    assert!(doctor.out.contains("belongs to root"), "{doctor:#?}");
    let engine = member.say(&place, &["engine", "run"]);
    assert!(engine.code != Some(0) && engine.err.contains("denied") || engine.err.contains("belongs to"), "{engine:#?}");
}
