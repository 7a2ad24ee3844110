use std::time::Duration;

use serde_json::{Value, json};

use super::{Found, Names, Outcome, Reading, samples};
use crate::operators::rollout::plan::Check;

fn check(success_if: Option<&str>, failure_if: Option<&str>) -> Check {
    Check {
        name: "errors".to_owned(),
        initial_delay: Duration::ZERO,
        interval: Duration::ZERO,
        count: None,
        failures: 0,
        consecutive_errors: 4,
        inconclusive: 0,
        success_if: success_if.map(str::to_owned),
        failure_if: failure_if.map(str::to_owned),
    }
}

fn read(check: &Check, result: Value, status: i64) -> Reading {
    let found = Found { body: result.clone(), result, status: Some(status), is_good: status < 400 };
    Reading::of(check, Ok(found), &Names::default())
}

#[test]
fn one_condition_alone_has_two_outcomes_and_two_have_three() {
    let outcome =
        |success: Option<&str>, failure: Option<&str>, value: i64| read(&check(success, failure), json!(value), 200).outcome;
    assert_eq!(outcome(Some("result < 5"), None, 3), Outcome::Success);
    assert_eq!(outcome(Some("result < 5"), None, 7), Outcome::Failure);
    assert_eq!(outcome(None, Some("result > 5"), 3), Outcome::Success);
    assert_eq!(outcome(None, Some("result > 5"), 7), Outcome::Failure);
    assert_eq!(outcome(Some("result < 5"), Some("result > 10"), 7), Outcome::Inconclusive);
}

#[test]
fn a_failure_names_its_condition_and_its_value() {
    let reading = read(&check(Some("result < 5"), None), json!(7), 200);
    assert_eq!(reading.why.as_deref(), Some("success_if does not hold: result < 5"));
    assert_eq!(reading.value, json!(7));
}

#[test]
fn without_conditions_the_status_decides() {
    assert_eq!(read(&check(None, None), json!("ok"), 200).outcome, Outcome::Success);
    assert_eq!(read(&check(None, None), json!("oh"), 503).outcome, Outcome::Failure);
}

#[test]
fn what_is_missing_is_an_error_and_never_a_success() {
    let missing = read(&check(None, Some("result.errors > 5")), json!({"other": 1}), 200);
    assert_eq!(missing.outcome, Outcome::Error, "{missing:?}");
    let page = read(&check(None, Some("result == 'bad'")), json!("<html>"), 502);
    assert_eq!(page.outcome, Outcome::Error);
    assert_eq!(page.why.as_deref(), Some("status 502, and no condition asks for `status`"));
    assert_eq!(read(&check(None, Some("status >= 500")), json!("<html>"), 502).outcome, Outcome::Failure);
}

#[test]
fn an_instant_query_gives_its_number_and_nothing_found_is_no_zero() {
    let answer = |result: Value| json!({"status": "success", "data": {"resultType": "vector", "result": result}});
    let sample = |text: &str| json!({"metric": {}, "value": [1.5, text]});
    assert_eq!(samples(200, &answer(json!([sample("0.25")]))), Ok(json!(0.25)));
    assert_eq!(samples(200, &answer(json!([sample("1"), sample("2")]))), Ok(json!([1.0, 2.0])));
    assert_eq!(samples(200, &answer(json!([]))).unwrap_err(), "the query found nothing");
    assert!(samples(200, &answer(json!([sample("NaN")]))).unwrap_err().contains("no number"));
    let scalar = json!({"status": "success", "data": {"resultType": "scalar", "result": [1, "3"]}});
    assert_eq!(samples(200, &scalar), Ok(json!(3.0)));
    let refused = json!({"status": "error", "error": "parse error"});
    assert_eq!(samples(400, &refused).unwrap_err(), "the server answered 400: parse error");
}
