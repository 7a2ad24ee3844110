//! What keys and news do, seen from outside.

use serde_json::json;

use super::driver::{DOCUMENT, Driver, Script, at};
use crate::model::{Document, Event, EventKind, Next, Outcome, Resolution, RunStatus, StageId};
use crate::tui::backend::{Reply, Request, RerunFrom};
use crate::tui::glyph::Charset;
use crate::tui::message::{Effect, Message};

fn orders(driver: &Driver) -> Vec<&Request> {
    driver
        .asked
        .iter()
        .filter(|request| matches!(request, Request::Cancel { .. } | Request::Rerun { .. } | Request::Resolve { .. }))
        .collect()
}

#[test]
fn quitting_asks_nothing_of_the_engine() {
    let mut driver = Driver::on_run(80, 24, Charset::Unicode);
    let asked = driver.asked.len();
    driver.keys("q");
    assert_eq!(driver.effects, [Effect::Quit]);
    assert_eq!(driver.asked.len(), asked);
}

#[test]
fn a_failed_run_opens_on_its_failure_with_the_error_in_view() {
    let driver = Driver::on_run(80, 24, Charset::Unicode);
    assert!(driver.shows("EXECUTION tests failed: exit code 2"));
    assert!(driver.shows("unit-tests  ✗ failed  attempt 2 of 2"));
    assert!(driver.shows("fetching https://registry.example/1203"), "the end of the failed stage's log");
}

#[test]
fn a_cancel_needs_more_than_one_key_and_no_is_selected() {
    let mut driver = Driver::new(80, 24, Charset::Unicode);
    driver.keys("2 enter x");
    assert!(driver.shows("Cancel this run?"));
    driver.keys("enter");
    assert!(!driver.shows("Cancel this run?"));
    assert!(orders(&driver).is_empty(), "enter alone says no");
    driver.keys("x y");
    assert!(orders(&driver).is_empty(), "no single key says yes");
    driver.keys("j enter");
    assert!(matches!(orders(&driver)[..], [Request::Cancel { force: false, .. }]));
    assert!(driver.shows("cancel requested"));
}

#[test]
fn a_second_cancel_forces_and_the_grace_counts_down() {
    let mut driver = Driver::new(80, 24, Charset::Unicode);
    driver.keys("2 enter");
    let run = driver.runs[0].id.clone();
    let actor = driver.runs[0].actor.clone();
    let kind = EventKind::CancelRequested { actor, force: false, reason: None };
    driver.reply(Reply::RunEvent(Box::new(Event { seq: 500, at: at(90.0), run, kind })));
    assert!(driver.shows("kill in 10s"));
    driver.now = at(94.0);
    driver.send(crate::tui::message::Message::Second);
    assert!(driver.shows("kill in 6s"));
    driver.keys("x");
    assert!(driver.shows("Force the cancel?"));
    driver.keys("down enter");
    assert!(matches!(orders(&driver)[..], [Request::Cancel { force: true, .. }]));
}

#[test]
fn interrupted_work_is_answered_for_after_a_question_that_explains() {
    let answer = |keys: &str| {
        let mut driver = Driver::new(80, 24, Charset::Unicode);
        let asks = Script::new("1v9r8s0-eeeee", "deploy", &[("ship", "shell", &[])], at(0.0))
            .start("ship", 1, at(0.1))
            .unknown("ship", 1, at(9.0))
            .run();
        driver.runs.insert(0, asks);
        driver.reply(Reply::Runs(driver.runs.iter().map(crate::model::Run::summary).collect()));
        driver.keys("2 g enter R");
        assert!(driver.shows("What became of ship?") && driver.shows("do it again"));
        driver.keys(keys);
        match orders(&driver)[..] {
            [Request::Resolve { resolution, .. }] => Some(*resolution),
            _ => None,
        }
    };
    assert_eq!(answer("enter"), None, "enter alone answers nothing");
    assert_eq!(answer("j enter"), Some(Resolution::Retry));
    assert_eq!(answer("j j enter"), Some(Resolution::Succeed));
    assert_eq!(answer("k enter"), Some(Resolution::Fail));
    let mut driver = Driver::on_run(80, 24, Charset::Unicode);
    driver.keys("R");
    assert!(driver.shows("what became of this stage's work is known"));
}

#[test]
fn a_rerun_offers_the_failure_the_start_and_this_stage() {
    let from = |keys: &str| {
        let mut driver = Driver::on_run(80, 24, Charset::Unicode);
        driver.keys(keys);
        match orders(&driver)[..] {
            [Request::Rerun { from, inputs: None, .. }] => Some(from.clone()),
            _ => None,
        }
    };
    assert_eq!(from("r enter"), None);
    assert_eq!(from("r esc"), None);
    assert_eq!(from("r j enter"), Some(RerunFrom::Failed));
    assert_eq!(from("r j j enter"), Some(RerunFrom::Start));
    assert_eq!(from("r k enter"), Some(RerunFrom::Stage(StageId::new("unit-tests"))));
    assert_eq!(from("r j j j j enter"), None, "round to no");
}

#[test]
fn the_run_made_by_a_rerun_is_shown() {
    let mut driver = Driver::on_run(80, 24, Charset::Unicode);
    driver.keys("r j enter");
    assert_eq!(
        driver.asked.iter().rfind(|request| matches!(request, Request::Follow(_))),
        Some(&Request::Follow(driver.runs[2].id.clone()))
    );
    assert!(driver.shows("1v9r8k0-ccccc"));
}

#[test]
fn edited_inputs_are_checked_while_typing_and_sent_after_a_question_that_shows_the_difference() {
    let mut driver = Driver::on_run(100, 30, Charset::Unicode);
    driver.keys("e");
    assert!(driver.shows("valid  unchanged"), "{}", driver.screen());
    driver.type_text("x");
    assert!(driver.shows("not valid") && driver.shows("line 1 column 1"), "{}", driver.screen());
    driver.keys("ctrl-s");
    assert!(driver.shows("Inputs of deploy"), "an invalid text goes nowhere");
    driver.keys("backspace right");
    driver.type_text("\"dry\": true,");
    assert!(driver.shows("valid  changed"), "{}", driver.screen());
    driver.keys("ctrl-s");
    assert!(driver.shows("Run again?") && driver.shows("+ dry: true"), "{}", driver.screen());
    driver.keys("enter");
    assert!(orders(&driver).is_empty(), "enter alone says no");
    driver.keys("e right");
    driver.type_text("\"dry\": true,");
    driver.keys("ctrl-s j j enter");
    let [Request::Rerun { from: RerunFrom::Start, inputs: Some(inputs), document: None, .. }] = orders(&driver)[..] else {
        panic!("{:?}", orders(&driver))
    };
    assert_eq!(inputs["dry"], json!(true));
    assert_eq!(inputs["version"], json!("1.5.0"));
}

#[test]
fn going_on_before_the_text_was_checked_waits_for_the_check_unless_somebody_types_further() {
    for (further, asks) in [(false, true), (true, false)] {
        let mut driver = Driver::on_run(100, 30, Charset::Unicode);
        driver.keys("e right");
        driver.checks = Some(Vec::new());
        driver.type_text("\"dry\": true,");
        driver.keys("ctrl-s");
        if further {
            driver.type_text(" ");
        }
        assert!(driver.shows("checking") && !driver.shows("Run again?"), "{}", driver.screen());
        while let Some(job) = driver.checks.as_mut().and_then(Vec::pop) {
            driver.send(crate::tui::message::Message::Checked(Box::new(crate::tui::popup::edit::check::check(&job))));
        }
        assert_eq!(driver.shows("Run again?"), asks, "{}", driver.screen());
    }
}

#[test]
fn inputs_that_do_not_fit_the_schema_are_named_by_their_path() {
    let mut driver = Driver::on_run(100, 30, Charset::Unicode);
    driver.keys("e down right right right right right right right right right right right right right");
    driver.send(crate::tui::message::Message::Paste("7, \"targets\": true, \"was\": ".to_owned()));
    let screen = driver.screen();
    assert!(screen.contains("version: ") && screen.contains("not valid"), "{screen}");
    driver.keys("ctrl-s");
    assert!(driver.shows("Inputs of deploy"));
}

#[test]
fn an_edited_config_goes_out_as_the_pinned_document_with_only_that_part_changed() {
    let mut driver = Driver::on_run(100, 30, Charset::Unicode);
    driver.papers.pinned.text = DOCUMENT.replace("600s", "600s # long");
    driver.keys("E");
    assert!(driver.shows("Config of unit-tests") && driver.shows("run: make unit-tests"), "{}", driver.screen());
    driver.type_text("?");
    assert!(driver.shows("line 1 column 1"), "{}", driver.screen());
    driver.keys("ctrl-s");
    assert!(driver.shows("Config of unit-tests"), "an invalid config goes nowhere");
    driver.keys("backspace");
    driver.type_text("cwd: web");
    driver.keys("enter");
    assert!(driver.shows("valid  changed"), "{}", driver.screen());
    driver.keys("ctrl-s");
    assert!(driver.shows("as edited here") && driver.shows("+       cwd: web"), "{}", driver.screen());
    driver.keys("k enter");
    let [Request::Rerun { from: RerunFrom::Stage(stage), inputs: None, document: Some(document), .. }] = orders(&driver)[..]
    else {
        panic!("{:?}", orders(&driver))
    };
    assert_eq!(stage.as_str(), "unit-tests");
    let line = "      run: make unit-tests\n";
    assert_eq!(document.text, driver.papers.pinned.text.replace(line, &format!("      cwd: web\n{line}")));
}

#[test]
fn a_masked_value_is_not_written_back() {
    let mut driver = Driver::on_run(120, 40, Charset::Unicode);
    // The rendered config of this stage has a masked token, so three stars here are a pasted mask.
    driver.keys("E");
    driver.send(crate::tui::message::Message::Paste("environment: {TOKEN: \"***\"}\n".to_owned()));
    assert!(driver.shows("stands for a hidden secret"), "{}", driver.screen());
    driver.keys("ctrl-s");
    assert!(!driver.shows("Run again?") && orders(&driver).is_empty());
}

#[test]
fn a_file_that_has_changed_is_offered_beside_what_was_pinned() {
    let mut driver = Driver::on_run(100, 30, Charset::Unicode);
    let file = Document { text: DOCUMENT.replace("600s", "900s"), ..driver.papers.pinned.clone() };
    driver.papers.file = Some(Ok(file.clone()));
    driver.keys("r");
    assert!(driver.shows("[as pinned]") && driver.shows("nothing is changed"), "{}", driver.screen());
    driver.keys("tab");
    assert!(driver.shows("[as the file is now]"), "{}", driver.screen());
    assert!(driver.shows("-       grace_period: 600s") && driver.shows("+       grace_period: 900s"), "{}", driver.screen());
    driver.keys("j enter");
    assert!(
        matches!(orders(&driver)[..], [Request::Rerun { document: Some(sent), .. }] if *sent == file),
        "{:?}",
        orders(&driver)
    );
    let mut driver = Driver::on_run(100, 30, Charset::Unicode);
    driver.papers.file = Some(Err("deploy.yaml:3:1: not a mapping".to_owned()));
    driver.keys("r");
    assert!(driver.shows("cannot be used: deploy.yaml:3:1"), "{}", driver.screen());
}

#[test]
fn a_read_only_console_gives_no_orders() {
    let mut driver = Driver::on_run(80, 24, Charset::Unicode);
    driver.app.world.read_only = true;
    for keys in ["x", "r", "e", "E"] {
        driver.keys(keys);
        assert!(driver.shows("this console is read-only"), "{keys}");
    }
    assert!(orders(&driver).is_empty());
}

#[test]
fn escape_backs_out_one_step_at_a_time_and_never_leaves() {
    let mut driver = Driver::on_run(80, 24, Charset::Unicode);
    driver.keys("enter /");
    driver.type_text("shop");
    driver.keys("enter i ?");
    let steps = ["Help", "  config  inputs", "/shop 172/172", "unit-tests", "pipeline"];
    for step in steps {
        assert!(driver.shows(step), "{step} in\n{}", driver.screen());
        driver.keys("esc");
    }
    driver.keys("esc esc esc esc");
    assert!(driver.shows("Services"));
    assert!(driver.effects.is_empty());
}

#[test]
fn leaving_a_run_ends_following_it() {
    let mut driver = Driver::on_run(80, 24, Charset::Unicode);
    driver.keys("1");
    assert_eq!(driver.asked.last(), Some(&Request::Unfollow));
    driver.keys("3");
    assert!(driver.asked.contains(&Request::Follow(driver.runs[1].id.clone())));
    assert!(driver.shows("1v9r8p0-bbbbb"), "3 goes back to the run looked at last");
}

#[test]
fn the_selection_follows_the_running_stage_until_the_user_moves() {
    let mut driver = Driver::new(80, 24, Charset::Unicode);
    driver.keys("2 enter");
    let run = driver.runs[0].id.clone();
    let start = |stage: &str, seq, seconds| {
        let kind = EventKind::AttemptStarted {
            stage: StageId::new(stage),
            attempt: 1,
            config: json!(null),
            child: None,
            unstarted: false,
        };
        Reply::RunEvent(Box::new(Event { seq, at: at(seconds), run: run.clone(), kind }))
    };
    assert!(driver.shows("─ unit-tests  ● running"), "{}", driver.screen());
    let (stage, outcome) = (StageId::new("unit-tests"), Outcome::succeeded(json!(null)));
    let kind = EventKind::AttemptFinished { stage, attempt: 1, outcome, next: Next::Settle };
    driver.reply(Reply::RunEvent(Box::new(Event { seq: 600, at: at(91.0), run: run.clone(), kind })));
    assert!(driver.shows("─ build  ● running"), "{}", driver.screen());
    driver.keys("l l");
    assert!(driver.shows("─ deploy-staging  ○ pending"), "{}", driver.screen());
    driver.reply(start("smoke", 601, 92.0));
    assert!(driver.shows("─ deploy-staging  ○ pending"), "the user's choice stays");
    driver.keys(".");
    assert!(driver.shows("─ build  ● running"), "{}", driver.screen());
}

#[test]
fn a_stage_without_output_says_why() {
    let mut driver = Driver::on_run(100, 30, Charset::Unicode);
    driver.lines = 0;
    driver.keys("G");
    assert!(driver.shows("deployment of 1.5.0 did not happen"), "{}", driver.screen());
    driver.keys("h");
    assert!(driver.shows("skipped: "));
}

#[test]
fn a_stage_without_a_log_shows_its_result() {
    let mut driver = Driver::new(100, 30, Charset::Unicode);
    let script = Script::new("1v9r8z0-zzzzz", "shape", &[("shape", "json-transform", &[])], at(0.0));
    let script = script.start("shape", 1, at(1.0)).ok("shape", 1, at(1.1), json!({"release": "v1.2.0"}));
    driver.runs = vec![script.end(RunStatus::Succeeded, at(2.0), None).run()];
    driver.lines = 0;
    driver.reply(Reply::Runs(vec![driver.runs[0].summary()]));
    driver.keys("2 enter");
    assert!(driver.shows("result"), "{}", driver.screen());
    assert!(driver.shows("release  v1.2.0"), "{}", driver.screen());
}

#[test]
fn only_keys_of_use_are_offered_and_the_way_out_always_is() {
    let mut driver = Driver::on_run(80, 24, Charset::Unicode);
    let offered = |driver: &Driver| driver.screen().lines().last().unwrap_or_default().to_owned();
    assert!(offered(&driver).contains("next failed") && !offered(&driver).contains("cancel"), "{}", offered(&driver));
    assert!(offered(&driver).trim_end().ends_with("? help  q quit"), "{}", offered(&driver));
    driver.keys("esc g enter");
    assert!(offered(&driver).contains("cancel") && !offered(&driver).contains("rerun"), "{}", offered(&driver));
    assert!(offered(&driver).trim_end().ends_with("? help  q quit"), "{}", offered(&driver));
}

#[test]
fn a_graph_too_wide_is_shown_whole_in_a_strip() {
    let mut driver = Driver::new(60, 24, Charset::Unicode);
    let names: Vec<String> = (0..9).map(|number| format!("stage-number-{number}")).collect();
    let after: Vec<Vec<&str>> =
        (0..9).map(|number| if number == 0 { vec![] } else { vec![names[number - 1].as_str()] }).collect();
    let stages: Vec<(&str, &str, &[&str])> =
        names.iter().zip(&after).map(|(name, after)| (name.as_str(), "shell", after.as_slice())).collect();
    let script = Script::new("1v9r8z0-zzzzz", "chain", &stages, at(0.0)).start(&names[0], 1, at(1.0));
    driver.runs = vec![script.run()];
    driver.reply(Reply::Runs(vec![driver.runs[0].summary()]));
    driver.keys("2 enter");
    let screen = driver.screen();
    let strip = screen.lines().find(|line| line.contains("[●─○─○]○─○─○─○─○─○"));
    assert!(strip.is_some_and(|line| line.trim_end().ends_with('▸')), "{screen}");
}

#[test]
fn the_log_of_an_earlier_attempt_can_be_read() {
    let mut driver = Driver::on_run(80, 24, Charset::Unicode);
    driver.keys("enter [");
    assert!(driver.shows("attempt 1 of 2"));
    driver.keys("[");
    assert!(driver.shows("no other attempt that way"));
    driver.keys("]");
    assert!(driver.shows("attempt 2 of 2"));
}

#[test]
fn scrolling_up_stops_following_and_the_end_key_goes_on() {
    let mut driver = Driver::new(80, 24, Charset::Unicode);
    driver.keys("2 enter enter k k k");
    let before = driver.screen();
    let run = driver.runs[0].id.clone();
    driver.lines = 9_999;
    let grew = Reply::LogGrew { run, stage: StageId::new("unit-tests"), attempt: 1, lines: 9_999, bytes: 600_000 };
    driver.reply(grew);
    assert!(driver.shows("+8,795 new (G)"));
    let log = |screen: &str| {
        screen
            .lines()
            .skip(12)
            .take(11)
            .map(|line| line.chars().take(70).collect::<String>().trim_end().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(log(&driver.screen()), log(&before));
    driver.keys("G");
    assert!(driver.shows("registry.example/9998") && driver.shows("follow"));
}

#[test]
fn copying_hands_the_raw_text_to_the_clipboard() {
    let mut driver = Driver::on_run(80, 24, Charset::Unicode);
    driver.keys("enter k k v j y");
    let text = format!("{}\n{}", super::driver::line(1_201), super::driver::line(1_202));
    assert_eq!(driver.effects, [Effect::Copy { text, what: "2 lines".to_owned() }]);
    assert!(driver.shows("copied 2 lines"));
    driver.keys("i Y");
    assert_eq!(driver.effects.last(), Some(&Effect::Copy { text: "type".to_owned(), what: "the path type".to_owned() }));
}

#[test]
fn a_filter_narrows_while_typing_and_escape_drops_it() {
    let mut driver = Driver::new(100, 30, Charset::Unicode);
    driver.keys("2 /");
    driver.type_text("depfail");
    assert!(driver.shows("1v9r8p0-bbbbb") && !driver.shows("1v9r8q0-aaaaa") && !driver.shows("1v9r8k0-ccccc"));
    driver.keys("enter");
    assert!(driver.shows("filter depfail"));
    driver.keys("esc");
    assert!(driver.shows("1v9r8k0-ccccc"));
    driver.keys("f f");
    assert!(driver.shows("failed and cancelled only") && !driver.shows("1v9r8k0-ccccc"));
}

#[test]
fn a_bad_pattern_is_named_and_not_searched_for() {
    let mut driver = Driver::on_run(80, 24, Charset::Unicode);
    driver.keys("/");
    driver.type_text("a(");
    assert!(driver.shows("unclosed group"));
    driver.keys("enter");
    assert!(!driver.asked.iter().any(|request| matches!(request, Request::Scan(..) | Request::Find(..))));
}

#[test]
fn the_palette_does_what_its_entry_says() {
    let mut driver = Driver::on_run(80, 24, Charset::Unicode);
    driver.keys(":");
    driver.type_text("rerun");
    driver.keys("enter");
    assert!(driver.shows("Run again?"));
    driver.keys("esc :");
    driver.type_text("theme light");
    driver.keys("enter");
    assert_eq!(driver.app.world.look.theme.name, "light");
}

#[test]
fn a_lost_connection_is_said_and_everything_is_asked_again() {
    let mut driver = Driver::on_run(80, 24, Charset::Unicode);
    driver.reply(Reply::Disconnected("connection refused".to_owned()));
    assert!(driver.shows("disconnected") && driver.shows("connection refused"));
    driver.asked.clear();
    driver.reply(Reply::Connected(crate::model::EngineStatus {
        pid: 1,
        version: String::new(),
        socket: String::new(),
        state_dir: String::new(),
        started_at: at(0.0),
        runs: 0,
        stages: 0,
        seq: 0,
    }));
    assert!(driver.asked.contains(&Request::Overview) && driver.asked.contains(&Request::Follow(driver.runs[1].id.clone())));
}

#[test]
fn a_second_is_wanted_only_while_something_runs_on_screen() {
    let mut driver = Driver::new(80, 24, Charset::Unicode);
    assert!(driver.app.tick().is_some(), "a run is going on in the list");
    driver.keys("2 j enter");
    assert!(driver.app.tick().is_none(), "this run has ended");
    driver.keys("esc k enter");
    assert!(driver.app.tick().is_some());
    driver.send(crate::tui::message::Message::Resize { width: 20, height: 5 });
    assert!(driver.app.tick().is_none(), "only the hint is shown");
    assert!(driver.shows("needs 40x12"));
}

#[test]
fn the_farewell_says_how_it_went_and_how_to_come_back() {
    let driver = Driver::on_run(80, 24, Charset::Unicode);
    let lines = driver.app.farewell().lines;
    assert!(lines.len() <= super::super::farewell::MOST_LINES);
    assert_eq!(lines[0], "✗ deploy 1v9r8p0-bbbbb failed after 39.0s · 8/8 stages");
    assert_eq!(lines[1], "  unit-tests failed: tests failed");
    assert_eq!(lines[7], "    [ 1203] fetching https://registry.example/1203");
    assert!(lines.last().is_some_and(|line| line.ends_with("flowdeck runs show 1v9r8p0-bbbbb")));
    assert!(Driver::new(80, 24, Charset::Unicode).app.farewell().lines.is_empty(), "no run was looked at");
}

#[test]
fn hostile_names_and_errors_stay_text() {
    let bad = "\u{1b}[2J\u{9b}31m\u{7}\r\n\u{202e}x";
    let script = Script::new(bad, bad, &[(bad, bad, &[])], at(0.0)).start(bad, 1, at(1.0));
    let script = script.fail(bad, 1, at(2.0), bad, crate::model::Next::Settle).end(RunStatus::Failed, at(3.0), Some((bad, bad)));
    let mut driver = Driver::new(120, 40, Charset::Unicode);
    driver.runs = vec![script.run()];
    driver.reply(Reply::Runs(vec![driver.runs[0].summary()]));
    for keys in ["1", "2", "enter", "i", "l", "l", "esc", "z", "z", "r", "esc", "e", "esc", ":", "esc", "?"] {
        driver.keys(keys);
        let buffer = driver.buffer();
        assert!(!buffer.content.iter().any(|cell| cell.symbol().chars().any(char::is_control)), "after {keys}");
    }
    assert!(driver.app.farewell().lines.iter().all(|line| !line.chars().any(char::is_control)));
}

#[test]
fn the_bell_rings_once_when_the_followed_run_ends() {
    let mut driver = Driver::new(80, 24, Charset::Unicode);
    driver.keys("2 enter");
    let run = driver.runs[0].id.clone();
    let kind = EventKind::RunFinished { status: RunStatus::Succeeded, output: json!(null), error: None };
    driver.reply(Reply::RunEvent(Box::new(Event { seq: 700, at: at(95.0), run, kind })));
    assert_eq!(driver.effects, [Effect::Bell]);
    assert!(driver.app.tick().is_none(), "nothing changes any more");
}

#[test]
fn an_esc_that_arrives_together_with_the_next_key_still_backs_out() {
    let mut driver = Driver::on_run(80, 24, Charset::Unicode);
    driver.keys("r");
    assert!(driver.shows("Run again?"));
    driver.keys("alt-i");
    assert!(!driver.shows("Run again?"), "Esc closed the question");
    assert_eq!(driver.asked.iter().filter(|asked| matches!(asked, Request::Rerun { .. })).count(), 0);
    assert!(driver.shows("inputs") || driver.shows("config"), "and `i` opened the inspector: {}", driver.screen());
    driver.keys("alt-2");
    assert!(driver.shows("Runs  3"), "Esc and `2`");
}

#[test]
fn where_alt_means_something_it_does() {
    let mut driver = Driver::on_run(80, 24, Charset::Unicode);
    driver.app.world.keys = crate::tui::keymap::Keymap::default().with_file("[keys]\nquit = \"alt-q\"\n").expect("valid");
    driver.keys("e alt-f alt-q");
    assert!(driver.shows("Inputs of deploy"), "the editor keeps it: {}", driver.screen());
    driver.keys("esc alt-q");
    assert_eq!(driver.effects, [Effect::Quit]);
}

#[test]
fn themes_are_worn_while_one_moves_through_them_and_backing_out_restores() {
    let mut driver = Driver::new(120, 40, Charset::Unicode);
    let worn = |driver: &Driver| driver.app.world.look.theme.name.clone();
    assert_eq!(worn(&driver), "terminal");
    driver.keys("ctrl-t j");
    assert!(driver.shows("Colours") && driver.shows("high-contrast"), "{}", driver.screen());
    assert_eq!(worn(&driver), "dark");
    driver.keys("j");
    assert_eq!(worn(&driver), "light");
    driver.keys("esc");
    assert_eq!(worn(&driver), "terminal");
    assert!(!driver.shows("Colours"));
    driver.keys("ctrl-t G enter");
    assert_eq!(worn(&driver), "mono");
    assert!(driver.shows("theme mono") && !driver.shows("Colours"), "{}", driver.screen());
}

#[test]
fn a_theme_with_a_mistake_is_listed_with_it_and_never_worn() {
    use crate::tui::theme::Themes;
    let mut driver = Driver::new(120, 40, Charset::Unicode);
    driver.app.world.themes = Themes::with_files(vec![
        ("themes/broken.toml".into(), "inherits = \"dark\"\n[styles]\ndmi = \"red\"\n".to_owned()),
        ("themes/mine.toml".into(), "inherits = \"dark\"\n".to_owned()),
    ]);
    driver.keys("ctrl-t G k");
    assert!(driver.shows("line 3:1: unknown role `dmi`"), "{}", driver.screen());
    assert!(driver.shows("themes/mine.toml"), "{}", driver.screen());
    assert_eq!(driver.app.world.look.theme.name, "terminal");
    driver.keys("enter");
    assert!(driver.shows("Colours"), "there is nothing to choose");
    driver.keys("j enter");
    assert_eq!(driver.app.world.look.theme.name, "mine");
    driver.keys(":");
    driver.type_text("theme mine");
    assert!(driver.shows("theme mine"), "{}", driver.screen());
    driver.keys("enter");
    assert_eq!(driver.app.world.look.theme.name, "mine");
}

#[test]
fn what_could_not_be_used_of_the_settings_is_said_until_a_key_is_pressed() {
    let mut driver = Driver::new(120, 40, Charset::Unicode);
    driver.app.warn("keys.toml has a problem in line 2: unknown action `quti`; its keys are not used");
    driver.send(Message::Second);
    assert!(driver.shows("unknown action `quti`"), "{}", driver.screen());
    driver.keys("j");
    assert!(!driver.shows("unknown action `quti`"), "{}", driver.screen());
}

#[test]
fn every_press_counts_while_a_match_is_looked_for() {
    let mut driver = Driver::on_run(120, 40, Charset::Unicode);
    driver.keys("tab /");
    driver.type_text("warning");
    driver.keys("enter N");
    let state = |driver: &Driver| {
        let screen = driver.screen();
        let at = screen.find("/172").expect("a count");
        screen[..at].rsplit(' ').next().unwrap_or_default().parse::<u64>().expect("a place")
    };
    let before = state(&driver);
    driver.searches_wait = true;
    driver.asked.clear();
    driver.keys("N N N");
    driver.answer_searches();
    assert_eq!(state(&driver), before - 3);
    driver.keys("N n n");
    driver.answer_searches();
    assert_eq!(state(&driver), before - 2, "back and forth");
}
