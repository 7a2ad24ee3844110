use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::Service;
use crate::language::Component;
use crate::model::Ending;
use crate::operators::testing::{Stage, awaited, serving};

fn stage(config: Value) -> Stage {
    Stage::new(Component::HealthCheck, config)
}

fn service(name: &str, environment: &str, url: &str) -> Service {
    let environment = Some(environment.to_owned());
    Service { name: name.to_owned(), environment, url: Ok(url.to_owned()), expect_status: Some(204), timeout: None }
}

#[tokio::test]
async fn services_are_asked_where_the_workspace_says_and_as_it_says() {
    let (address, _) = serving(|path| (if path == "/health" { 204 } else { 200 }, String::new())).await;
    let asked = stage(json!({"services": ["api"], "urls": format!("{address}/?token=x")}));
    let asked = asked.service(service("api", "production", &format!("{address}/health")));
    let (outcome, log) = awaited(&asked).await;
    assert_eq!(outcome.ending, Ending::Succeeded, "{outcome:?}");
    assert_eq!((&outcome.output["verdict"], &outcome.output["healthy"]), (&json!("healthy"), &json!(2)));
    let checks = &outcome.output["checks"];
    assert_eq!(
        (&checks[0]["name"], &checks[0]["status_code"], &checks[0]["status"]),
        (&json!("api"), &json!(204), &json!("healthy"))
    );
    assert_eq!(checks[1]["url"], format!("{address}/"), "a query may hold what is secret");
    assert!(log.ends_with("all together: healthy\n"), "{log}");
}

#[tokio::test]
async fn two_of_three_are_degraded_which_fails_only_where_it_is_said() {
    let (address, _) = serving(|path| (if path == "/bad" { 503 } else { 200 }, String::new())).await;
    let urls = json!([format!("{address}/a"), format!("{address}/b"), format!("{address}/bad")]);
    let (outcome, _) = awaited(&stage(json!({"urls": urls}))).await;
    assert_eq!((outcome.ending, &outcome.output["verdict"]), (Ending::Succeeded, &json!("degraded")));
    let (outcome, _) = awaited(&stage(json!({"urls": urls, "strict": true}))).await;
    assert_eq!(outcome.ending, Ending::Failed);
    let message = outcome.error.unwrap().message;
    assert!(
        message.starts_with("degraded: 1 of 3 are not well: ") && message.ends_with("/bad (the server answered 503)"),
        "{message}"
    );
}

#[tokio::test]
async fn until_healthy_asks_again_and_says_only_what_changes() {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let (address, _) = serving(move |_| (if count.fetch_add(1, Ordering::SeqCst) < 3 { 500 } else { 200 }, String::new())).await;
    let (outcome, log) = awaited(&stage(json!({"url": address, "until_healthy": true, "interval": "1ms", "within": "1m"}))).await;
    assert_eq!((outcome.ending, asked.load(Ordering::SeqCst)), (Ending::Succeeded, 4));
    assert_eq!(log.matches("all together").count(), 2, "{log}");
}

#[test]
fn a_service_that_cannot_be_meant_is_told() {
    let town = |config| {
        let probed = service("api", "staging", "http://127.0.0.1:1/");
        let other = service("api", "production", "http://127.0.0.1:2/");
        let db = Service { url: Err("has a tcp probe, and a health-check asks by HTTP"), ..service("db", "staging", "") };
        stage(config).service(probed).service(other).service(db)
    };
    assert!(town(json!({"services": "web"})).error().message.starts_with("flowdeck.toml has no service `web`; it has api, "));
    assert!(town(json!({"services": "api"})).error().message.contains("is in staging, production: name its `environment`"));
    assert!(town(json!({"services": "api"})).targeting("staging").prepared().is_ok());
    assert!(town(json!({"services": "db"})).error().message.contains("has a tcp probe"));
    assert!(town(json!({"services": "db", "environment": "production"})).error().message.contains("name its `environment`"));
    assert!(stage(json!({"services": []})).error().message.contains("needs `services` or `urls`"));
}
