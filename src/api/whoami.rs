//! `GET /v1/whoami`: what somebody is to the engine, and what they may do.

use axum::extract::{ConnectInfo, State};
use axum::{Extension, Json};

use super::Api;
use super::peer::Peer;
use crate::accounts;
use crate::engine::Caller;
use crate::model::{Environment, Permission, Whoami};
use crate::policy::access::{Action, Refusal};

pub async fn whoami(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Extension(caller): Extension<Caller>,
) -> Json<Whoami> {
    let engine_uid = caller.engine_uid;
    let engine_user = tokio::task::spawn_blocking(move || accounts::user_name(engine_uid)).await;
    Json(Whoami {
        proof: caller.proof,
        pid: peer.pid,
        socket: api.engine.shared.paths.socket().display().to_string(),
        engine_user: engine_user.unwrap_or_else(|_| format!("uid:{engine_uid}")),
        policy: caller.in_force.hash.clone(),
        policy_problem: caller.in_force.broken.clone(),
        may: permissions(&caller),
        person: caller.person,
    })
}

/// In general, and in each environment. Who sees nothing here is not told which environments there are.
fn permissions(caller: &Caller) -> Vec<Permission> {
    let general = [("view", Action::View), ("operate", Action::Operate), ("administer", Action::Administer)];
    let mut all: Vec<_> = general.map(|(name, action)| permission(name, None, caller.may(&action))).into();
    if caller.may(&Action::View).is_ok() {
        all.extend(caller.in_force.policy.environments.values().flat_map(|environment| within(caller, environment)));
    }
    all
}

fn within(caller: &Caller, environment: &Environment) -> Vec<Permission> {
    let name = environment.name.clone();
    let here = |action, verdict| permission(action, Some(name.clone()), verdict);
    if !environment.protected {
        // Nothing is decided there, and running what targets it is no more than running.
        return vec![here("deploy", caller.may(&Action::Operate))];
    }
    let mut approve = here("approve", caller.may(&Action::Approve { environment: name.clone() }));
    if approve.allowed {
        approve.reason = why_it_does_not_count(caller, environment);
    }
    let mut break_glass = here("break_glass", caller.may(&Action::BreakGlass { environment: name.clone() }));
    if break_glass.allowed && !environment.break_glass {
        let reason = Some(format!("{name} does not allow it: `break_glass = true` in [environments.{name}] would"));
        break_glass = Permission { allowed: false, reason, ..break_glass };
    }
    vec![here("deploy", caller.may(&Action::Deploy { environment: name.clone() })), approve, break_glass]
}

/// An approver's decision is taken, and may still not count.
fn why_it_does_not_count(caller: &Caller, environment: &Environment) -> Option<String> {
    let named = environment.rules.is_empty() || environment.rules.iter().any(|rule| rule.people.include(&caller.person));
    match (caller.person.service, named) {
        (true, _) => Some("a service account never counts towards a quorum".to_owned()),
        (false, false) => Some(format!("no rule of {} names you, so it counts towards none", environment.name)),
        (false, true) => None,
    }
}

fn permission(action: &str, environment: Option<String>, verdict: Result<(), Refusal>) -> Permission {
    let reason = verdict.err().map(|refusal| refusal.to_string());
    Permission { action: action.to_owned(), environment, allowed: reason.is_none(), reason }
}
