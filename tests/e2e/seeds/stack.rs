//! What needs PostgreSQL and Redis: migrations, backups, restores, health, a deployment around them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::database::{PASSWORD, Postgres, Redis};
use super::server::Server;
use super::shipped;
use crate::support::{Said, Workspace, finish, within};

/// Runs a shipped pipeline with the servers' passwords.
fn run(workspace: &Workspace, name: &str, inputs: &Value) -> Said {
    fs::write(workspace.file("inputs.json"), inputs.to_string()).expect("inputs");
    let mut command = workspace.command(&["run", &shipped(name), "--inputs", "inputs.json", "--json"]);
    command.env("PGPASSWORD", PASSWORD).env("REDISCLI_AUTH", PASSWORD).env("DEPLOY_TOKEN", "deploy_token");
    finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("flowdeck starts"))
}

fn succeed(workspace: &Workspace, name: &str, inputs: &Value) -> Value {
    let said = run(workspace, name, inputs);
    assert_eq!(said.code, Some(0), "{said:#?}");
    said.json()
}

fn fail(workspace: &Workspace, name: &str, inputs: &Value) -> Value {
    let said = run(workspace, name, inputs);
    assert_eq!(said.code, Some(1), "{said:#?}");
    said.json()
}

/// A database `shop`, and a workspace with files for it.
fn shop(files: &[(&str, &str)]) -> Option<(Postgres, Workspace)> {
    let postgres = Postgres::start()?;
    postgres.ask("postgres", "create database shop");
    let workspace = Workspace::new();
    for (name, text) in files {
        let path = workspace.file(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    Some((postgres, workspace))
}

const MIGRATIONS: [(&str, &str); 3] = [
    (
        "migrations/001_goods.sql",
        "create table goods (id int primary key, price int not null);\ninsert into goods values (1, 10);\n",
    ),
    ("migrations/002_double.sql", "update goods set price = price * 2;\n"),
    // Half of it works.
    ("migrations/010_broken.sql", "update goods set price = 0;\nalter table nothere add column x int;\n"),
];

#[test]
fn migrations_are_applied_once_in_order_and_a_broken_one_leaves_nothing_half_done() {
    let Some((postgres, workspace)) = shop(&MIGRATIONS) else { return };
    let inputs = json!({"host": postgres.host(), "database": "shop"});
    let names = || postgres.ask("shop", "select string_agg(name, ' ' order by name) from schema_migrations");

    let failed = fail(&workspace, "migrate.yaml", &inputs);
    assert_eq!(failed["error"]["stage"], "apply[2]", "{failed:#}");
    assert!(workspace.ok(&["runs", "logs", "last", "apply[2]"]).out.contains("relation \"nothere\" does not exist"));
    assert_eq!(names(), "001_goods.sql 002_double.sql");
    assert_eq!(postgres.ask("shop", "select price from goods"), "20", "the broken one was rolled back");

    fs::write(workspace.file("migrations/010_broken.sql"), "alter table goods add column name text;\n").expect("mended");
    let mended = succeed(&workspace, "migrate.yaml", &inputs);
    assert_eq!(mended["output"], json!({"applied": ["010_broken.sql"]}));
    let again = succeed(&workspace, "migrate.yaml", &inputs);
    assert_eq!(again["output"], json!({"applied": []}));
    assert_eq!(postgres.ask("shop", "select price from goods"), "20", "no update ran twice");
    assert!(!again.to_string().contains(PASSWORD));
}

#[test]
fn two_migrations_at_the_same_time_apply_everything_once() {
    let Some((postgres, workspace)) = shop(&MIGRATIONS[..2]) else { return };
    let (inputs, workspace) = (json!({"host": postgres.host(), "database": "shop"}), Arc::new(workspace));
    fs::write(workspace.file("same.json"), inputs.to_string()).expect("inputs");
    let start = || {
        let mut command = workspace.command(&["run", &shipped("migrate.yaml"), "--inputs", "same.json", "--json"]);
        command.env("PGPASSWORD", PASSWORD).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("flowdeck starts")
    };
    for child in [start(), start(), start()] {
        let said = within("a run", move || finish(child));
        assert_eq!(said.code, Some(0), "{said:#?}");
    }
    assert_eq!(postgres.ask("shop", "select price from goods"), "20");
}

/// Names of the files in a folder of the workspace.
fn listed(workspace: &Workspace, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(workspace.file(folder)).into_iter().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn age(workspace: &Workspace, file: &str, days: u32) {
    let path = workspace.file(file);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(&path, "old").expect("a file");
    let status = Command::new("touch").args(["-d", &format!("{days} days ago")]).arg(&path).status().expect("touch");
    assert!(status.success());
}

#[test]
fn a_backup_is_proved_by_restoring_it_kept_twice_and_brought_back() {
    let Some((postgres, workspace)) = shop(&[]) else { return };
    postgres.ask("shop", "create table goods (id int primary key, name text); insert into goods values (1, 'tea'), (2, 'it''s')");
    age(&workspace, "backups/shop-old.dump", 9);
    age(&workspace, "backups-offsite/shop-old.dump", 9);
    age(&workspace, "backups/other-old.dump", 9);
    age(&workspace, "backups/shop-young.dump", 3);
    let inputs = |environment: &str| {
        json!({"host": postgres.host(), "database": "shop", "environment": environment,
               "check_sql": "select count(*) = 2 from goods where name like '%'"})
    };
    let production = succeed(&workspace, "backup-postgres.yaml", &inputs("production"));
    let first = production["output"]["outputs"]["file"].as_str().expect("a file").to_owned();
    assert_eq!(listed(&workspace, "backups").len(), 4, "30 days in production");
    let staging = succeed(&workspace, "backup-postgres.yaml", &inputs("staging"));
    let second = staging["output"]["outputs"]["file"].as_str().expect("a file").to_owned();
    let mut expected = vec!["other-old.dump".to_owned(), first.clone(), second.clone(), "shop-young.dump".to_owned()];
    expected.sort();
    assert_eq!(listed(&workspace, "backups"), expected);
    let mut expected = vec![first.clone(), second];
    expected.sort();
    assert_eq!(listed(&workspace, "backups-offsite"), expected);
    let read = |folder: &str| fs::read(workspace.file(folder).join(&first)).expect("a dump");
    assert!(read("backups") == read("backups-offsite"));
    let mode = fs::metadata(workspace.file("backups").join(&first)).expect("a dump").permissions().mode();
    assert_eq!(mode & 0o077, 0, "others cannot read the data");
    assert_eq!(databases(&postgres), "postgres shop");

    postgres.ask("shop", "delete from goods");
    let restored =
        succeed(&workspace, "restore-postgres.yaml", &json!({"host": postgres.host(), "file": format!("backups/{first}")}));
    assert_eq!(postgres.ask("shop", "select string_agg(name, ',' order by id) from goods"), "tea,it's");
    let old = restored["output"]["outputs"]["old"].as_str().expect("the old one's name");
    assert_eq!(postgres.ask(old, "select count(*) from goods"), "0", "what was there is kept");
}

fn databases(postgres: &Postgres) -> String {
    postgres.ask("postgres", "select string_agg(datname, ' ' order by datname) from pg_database where not datistemplate")
}

#[test]
fn a_backup_that_cannot_be_restored_is_no_backup() {
    let Some((postgres, workspace)) = shop(&[]) else { return };
    // It dumps without a word; but a restore runs the check with an empty search path, where `goods` means nothing.
    postgres.ask("shop", "create table goods (id int); insert into goods values (1)");
    postgres.ask("shop", "create function few() returns bool language sql as 'select count(*) < 9 from goods'");
    postgres.ask("shop", "create table orders (id int check (few())); insert into orders values (1)");
    let inputs = json!({"host": postgres.host(), "database": "shop"});
    let failed = fail(&workspace, "backup-postgres.yaml", &inputs);
    assert_eq!(failed["error"]["stage"], "restore", "{failed:#}");
    assert!(workspace.ok(&["runs", "logs", "last", "restore"]).out.contains("relation \"goods\" does not exist"));
    // Nor is one whose data are not what they should be.
    postgres.ask("shop", "drop table orders");
    let inputs = json!({"host": postgres.host(), "database": "shop", "check_sql": "select count(*) = 2 from goods"});
    fail(&workspace, "backup-postgres.yaml", &inputs);
    assert!(workspace.ok(&["runs", "logs", "last", "restore"]).out.contains("the restored database answers: f"));
    assert_eq!(listed(&workspace, "backups"), Vec::<String>::new());
    assert_eq!(listed(&workspace, "backups-offsite"), Vec::<String>::new());
    assert_eq!(databases(&postgres), "postgres shop", "nothing is left behind");
}

#[test]
fn a_restore_of_a_damaged_file_leaves_the_live_database_alone() {
    let Some((postgres, workspace)) = shop(&[("damaged.dump", "PGDMP is how it begins")]) else { return };
    postgres.ask("shop", "create table goods (id int); insert into goods values (1)");
    let failed = fail(&workspace, "restore-postgres.yaml", &json!({"host": postgres.host(), "file": "damaged.dump"}));
    assert_eq!(failed["error"]["stage"], "restore", "{failed:#}");
    assert_eq!(failed["stages"]["swap"]["status"], "skipped");
    assert_eq!(postgres.ask("shop", "select count(*) from goods"), "1");
}

#[test]
fn a_redis_backup_is_loaded_before_it_counts() {
    let Some(redis) = Redis::start() else { return };
    let workspace = Workspace::new();
    assert_eq!(redis.ask(&["mset", "a", "1", "b", "2"]), "OK");
    fs::create_dir(workspace.file("conf")).expect("a folder");
    fs::write(workspace.file("conf/redis.conf"), "save ''\n").expect("a file");
    age(&workspace, "backups/redis-old", 9);
    let inputs = json!({"port": redis.port, "config_dir": "conf", "keep_days": 7});
    let run = succeed(&workspace, "backup-redis.yaml", &inputs);
    let folder = run["output"]["outputs"]["directory"].as_str().expect("a folder");
    assert_eq!(run["output"]["outputs"]["keys"], "2", "{run:#}");
    assert_eq!(listed(&workspace, "backups"), [folder.strip_prefix("backups/").expect("in backups")]);
    assert_eq!(listed(&workspace, folder), ["config", "dump.rdb", "keys"]);
    // A server that is not there, and one that gives nothing.
    let port = redis.port;
    drop(redis);
    let failed = fail(&workspace, "backup-redis.yaml", &json!({"port": port}));
    assert_eq!(failed["error"]["stage"], "snapshot", "{failed:#}");
}

#[test]
fn a_redis_snapshot_that_cannot_be_loaded_is_no_backup() {
    let Some(redis) = Redis::start() else { return };
    assert_eq!(redis.ask(&["mset", "a", "1", "b", "2"]), "OK");
    // A disk that loses the end of a file: the real client, and then a cut.
    let workspace = Workspace::new();
    let path = std::env::var("PATH").expect("a path");
    let script =
        format!("#!/bin/sh\nPATH={path} redis-cli \"$@\" || exit\ncase \"$*\" in *--rdb*) truncate -s -20 dump.rdb ;; esac\n");
    super::local::programs(&workspace.file("bin"), &[("redis-cli", script)]);
    let mut command = workspace.command(&["run", &shipped("backup-redis.yaml"), "-i", &format!("port={}", redis.port), "--json"]);
    command.env("PATH", format!("{}:{path}", workspace.file("bin").display())).env("REDISCLI_AUTH", PASSWORD);
    let said = finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("flowdeck starts"));
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert_eq!(said.json()["error"]["stage"], "proof");
    assert!(workspace.ok(&["runs", "logs", "last", "proof"]).out.contains("it cannot be loaded"));
    assert!(listed(&workspace, "backups").iter().all(|name| name.ends_with(".partial")));
}

#[test]
fn the_health_of_a_stack_is_healthy_degraded_or_unhealthy() {
    let (Some(postgres), Some(redis)) = (Postgres::start(), Redis::start()) else { return };
    let ill = Arc::new(Mutex::new(false));
    let state = Arc::clone(&ill);
    let web = Server::new(move |_| if *state.lock().expect("a state") { (503, json!({})) } else { (200, json!({})) });
    let workspace = Workspace::new();
    let inputs = json!({"postgres_host": postgres.host(), "redis_port": redis.port, "urls": [format!("{}/health", web.url)]});
    let well = succeed(&workspace, "health-check.yaml", &inputs);
    assert_eq!(well["output"]["status"], "healthy", "{well:#}");
    *ill.lock().expect("a state") = true;
    let worse = succeed(&workspace, "health-check.yaml", &inputs);
    assert_eq!(worse["output"]["status"], "degraded", "{worse:#}");
    assert_eq!(worse["output"]["unhealthy"], json!([format!("{}/health", web.url)]));
    drop(redis);
    drop(postgres);
    let worst = fail(&workspace, "health-check.yaml", &inputs);
    assert!(worst["error"]["message"].as_str().expect("a message").starts_with("not well: postgres, redis, http"), "{worst:#}");
}

/// A service with a version; `broken` ones deploy but never answer as themselves.
fn service(broken: &'static str) -> Server {
    let mut version = json!("v1.0.0");
    Server::new(move |request| match request.line().as_str() {
        "PUT /version" => {
            version = request.body["version"].clone();
            (200, json!({}))
        }
        _ if version == broken => (500, json!({})),
        _ => (200, json!({"version": version})),
    })
}

#[test]
fn a_stack_is_dumped_migrated_and_deployed_and_goes_back_when_it_is_not_well() {
    let files = [&MIGRATIONS[..2], &[("seed.sql", "insert into goods values (2, 5);\n")]].concat();
    let Some((postgres, workspace)) = shop(&files) else { return };
    let Some(redis) = Redis::start() else { return };
    let service = service("v1.2.0");
    let inputs = |version: &str, environment: &str| {
        json!({"version": version, "environment": environment, "service_url": service.url, "host": postgres.host(),
               "database": "shop", "redis_port": redis.port, "seed_file": "seed.sql"})
    };
    let staged = succeed(&workspace, "deploy-stack.yaml", &inputs("v1.1.0", "staging"));
    assert_eq!(staged["output"]["body"], json!({"version": "v1.1.0"}));
    assert_eq!(staged["stages"]["dump"]["status"], "skipped", "only production is dumped");
    assert_eq!(postgres.ask("shop", "select string_agg(price::text, ',' order by id) from goods"), "20,5");

    let failed = fail(&workspace, "deploy-stack.yaml", &inputs("v1.2.0", "production"));
    assert_eq!(failed["error"]["type"], "RETRY_EXHAUSTED", "{failed:#}");
    assert_eq!(failed["stages"]["seed"]["status"], "skipped");
    assert_eq!(listed(&workspace, "backups").len(), 1);
    let told: Vec<Value> = service.bodies("PUT /version").iter().map(|body| body["version"].clone()).collect();
    assert_eq!(told, ["v1.1.0", "v1.2.0", "v1.1.0"], "back to the one before");
    assert_eq!(postgres.ask("shop", "select string_agg(price::text, ',' order by id) from goods"), "20,5", "migrated once");

    fs::write(workspace.file("migrations/003_broken.sql"), "delete from goods; select 1/0;\n").expect("a file");
    let failed = fail(&workspace, "deploy-stack.yaml", &inputs("v1.3.0", "production"));
    assert_eq!(failed["error"]["stage"], "migrate", "{failed:#}");
    assert_eq!(service.bodies("PUT /version").len(), 3, "nothing is deployed on a database that was not migrated");
    assert_eq!(postgres.ask("shop", "select count(*) from goods"), "2");
}
