//! Starting a pipeline from the palette.

use serde_json::json;

use super::driver::{DOCUMENT, Driver};
use crate::model::Document;
use crate::tui::backend::{Order, Request, Sheet};
use crate::tui::glyph::Charset;

fn sheet(inputs: bool) -> Sheet {
    let schema = json!({"required": ["version"], "properties": {"version": {"type": "string"}, "targets": {"default": []}}});
    Sheet {
        name: String::new(),
        path: "pipelines/deploy.yaml".to_owned(),
        document: Document { text: DOCUMENT.to_owned(), format: "yaml".to_owned(), included: None },
        input_schema: inputs.then_some(schema),
        sample_input: None,
        environment: None,
        environments: Vec::new(),
    }
}

fn driver(sheet: Result<Sheet, String>) -> Driver {
    let mut driver = Driver::new(100, 30, Charset::Unicode);
    driver.sheet = sheet;
    driver.keys(":");
    driver.type_text("run deploy");
    assert!(driver.shows("start this pipeline"), "{}", driver.screen());
    driver
}

fn started(driver: &Driver) -> Vec<&Order> {
    let orders =
        driver.asked.iter().filter_map(|request| if let Request::Start(order) = request { Some(&**order) } else { None });
    orders.collect()
}

#[test]
fn a_pipeline_without_inputs_is_asked_about_by_name_and_environment_then_started_and_shown() {
    let own = Sheet { environment: Some("staging".to_owned()), ..sheet(false) };
    let mut driver = driver(Ok(own));
    driver.keys("enter");
    assert!(driver.shows("Run deploy?") && driver.shows("staging (the pipeline's own)"), "{}", driver.screen());
    assert!(driver.shows("pipelines/deploy.yaml"), "{}", driver.screen());
    driver.keys("enter");
    assert!(started(&driver).is_empty() && !driver.shows("Run deploy?"), "the first answer is no");
    driver.keys(":");
    driver.type_text("run deploy");
    driver.keys("enter j enter");
    let orders = started(&driver);
    assert_eq!(orders.len(), 1);
    assert_eq!((&orders[0].inputs, &orders[0].environment, &*orders[0].text), (&json!({}), &None, DOCUMENT));
    assert!(driver.shows("deploy 1v9r8q0-aaaaa"), "the new run: {}", driver.screen());
}

#[test]
fn inputs_are_edited_first_and_checked_while_typing() {
    let mut driver = driver(Ok(sheet(true)));
    driver.keys("enter");
    assert!(driver.shows("Inputs of deploy, to run it") && driver.shows("\"version\": null"), "{}", driver.screen());
    assert!(driver.shows("not valid") && driver.shows("version: "), "{}", driver.screen());
    driver.keys("ctrl-s");
    assert!(driver.shows("Inputs of deploy"), "what is not valid goes nowhere");
    driver.keys("ctrl-a");
    for _ in 0..40 {
        driver.keys("delete");
    }
    driver.type_text("{\"version\": \"v2\"}");
    for _ in 0..60 {
        driver.keys("delete");
    }
    assert!(driver.shows(" valid"), "{}", driver.screen());
    driver.keys("ctrl-s");
    assert!(driver.shows("Run deploy?") && driver.shows("{\"version\":\"v2\"}"), "{}", driver.screen());
    driver.keys("j enter");
    assert_eq!(started(&driver)[0].inputs, json!({"version": "v2"}));
}

#[test]
fn where_the_pipeline_names_no_environment_one_is_chosen() {
    let environments = vec!["staging".to_owned(), "production".to_owned()];
    let mut driver = driver(Ok(Sheet { environments, ..sheet(false) }));
    driver.keys("enter j j enter");
    assert_eq!(started(&driver)[0].environment.as_deref(), Some("staging"));
}

#[test]
fn what_is_wrong_with_the_document_is_shown_with_its_place_and_caret() {
    let report = "error: unknown component `shel`\n  --> pipelines/deploy.yaml:4:11\n4 |     type: shel\n  |           ^^^^ did you mean `shell`?";
    let mut driver = driver(Err(report.to_owned()));
    driver.keys("enter");
    assert!(driver.shows("deploy cannot be started") && driver.shows("deploy.yaml:4:11"), "{}", driver.screen());
    assert!(driver.shows("  |           ^^^^ did you mean"), "{}", driver.screen());
    driver.keys("esc");
    assert!(driver.shows("Services") && started(&driver).is_empty());
}

#[test]
fn a_read_only_console_starts_nothing_and_says_so() {
    let mut driver = driver(Ok(sheet(false)));
    driver.app.world.read_only = true;
    driver.keys("enter");
    assert!(driver.shows("this console is read-only: it starts nothing"), "{}", driver.screen());
    assert!(!driver.asked.iter().any(|request| matches!(request, Request::OpenPipeline(_))));
}
