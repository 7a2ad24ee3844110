//! The end of baking: releases that have stayed well for long enough become stable when their time is over, and clients hear of it.
//!
//! Nothing depends on these timers: whoever decides settles what has baked first.

use std::time::Duration;

use super::{Engine, clock};
use crate::model::{ReleaseVerdict, Signal};

impl Engine {
    /// Waits in the background for the next release to have baked, if one bakes.
    pub(super) fn watch_bakes(&self) {
        let engine = self.clone();
        tokio::spawn(async move {
            while let Some(wait) = engine.next_bake().await {
                tokio::time::sleep(wait).await;
                if engine.end_bakes().await.is_err() {
                    return;
                }
            }
        });
    }

    /// How long the next one takes.
    async fn next_bake(&self) -> Option<Duration> {
        let known = self.shared.gates.turn().await;
        let baking =
            known.spots().flat_map(|spot| known.history(spot)).filter(|release| release.verdict == ReleaseVerdict::Baking);
        let ends = baking.filter_map(|release| Some(release.verified_at?.after(release.record.bake)));
        // A clock that was set back must not make this spin.
        ends.map(|end| end.since(clock::now()).max(Duration::from_millis(10))).min()
    }

    async fn end_bakes(&self) -> Result<(), super::EngineError> {
        let mut known = self.shared.gates.turn().await;
        let ended: std::collections::BTreeSet<String> =
            known.baked(clock::now()).into_iter().map(|(spot, _)| spot.environment).collect();
        self.settle_baked(&mut known, clock::now()).await?;
        drop(known);
        for environment in ended {
            self.shared.hub.signal(Signal::ReleaseChanged { environment });
        }
        Ok(())
    }
}
