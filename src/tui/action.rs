//! Every action of the console, named and described once. The key map, the help, the bottom line, the palette and the
//! error for an unknown name all read this one list; a new action is one entry here and one arm where it acts.

/// Where the keyboard is. A key is looked up in the contexts of the moment, the nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    /// A dialog with choices.
    Dialog,
    /// A field or area that takes text; only keys that write no character work here.
    Text,
    /// A replay, whatever pane has the focus.
    Replay,
    Graph,
    Log,
    Inspector,
    Run,
    /// Screens that are lists.
    List,
    Runs,
    Health,
    Approvals,
    Deployments,
    Audit,
    Global,
}

impl Context {
    /// The name in listings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dialog => "dialog",
            Self::Text => "text",
            Self::Replay => "replay",
            Self::Graph => "graph",
            Self::Log => "log",
            Self::Inspector => "inspector",
            Self::Run => "run",
            Self::List => "list",
            Self::Runs => "runs",
            Self::Health => "health",
            Self::Approvals => "approvals",
            Self::Deployments => "deployments",
            Self::Audit => "audit",
            Self::Global => "global",
        }
    }

    /// The heading in the help.
    pub fn title(self) -> &'static str {
        match self {
            Self::Dialog => "In a dialog",
            Self::Text => "While typing",
            Self::Replay => "While replaying",
            Self::Graph => "Graph",
            Self::Log => "Log",
            Self::Inspector => "Inspector",
            Self::Run => "This run",
            Self::List => "List",
            Self::Runs => "Runs",
            Self::Health => "Health",
            Self::Approvals => "Approvals",
            Self::Deployments => "Deployments",
            Self::Audit => "Audit",
            Self::Global => "Everywhere",
        }
    }
}

/// What is known of an action without running it.
#[derive(Debug)]
pub struct Facts {
    pub action: Action,
    pub name: &'static str,
    /// One phrase for the help and the palette.
    pub description: &'static str,
    /// One word for the bottom line; empty when it is not shown there.
    pub hint: &'static str,
    pub keys: &'static [&'static str],
    pub contexts: &'static [Context],
    /// It changes what is protected: it has no key of its own and can be given none, so that it is always asked for by
    /// name and answered in full.
    pub protected: bool,
}

macro_rules! is_protected {
    () => {
        false
    };
    (protected) => {
        true
    };
}

/// A line per action: variant, name, hint, description, keys, contexts; `protected` at its end where it is.
macro_rules! actions {
    ($($variant:ident $name:literal $hint:literal $description:literal [$($key:literal),*] [$($context:ident),*] $($protected:ident)?;)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action { $($variant),* }

        /// The list, in the order of the help and the bottom line.
        pub const ALL: &[Facts] = &[$(Facts {
            action: Action::$variant,
            name: $name,
            description: $description,
            hint: $hint,
            keys: &[$($key),*],
            contexts: &[$(Context::$context),*],
            protected: is_protected!($($protected)?),
        }),*];
    };
}

actions! {
    Accept "accept" "choose" "do what is selected" ["enter"] [Dialog, Text];
    Save "save" "go on" "go on with the edited text" ["ctrl-s"] [Text];
    Other "other" "select" "select the other choice" ["tab", "left", "right", "h", "l"] [Dialog];

    Play "play" "play" "play or pause" ["space"] [Replay];
    StepAhead "step-ahead" "step" "to the next event" [";"] [Replay];
    StepBack "step-back" "" "to the event before" [","] [Replay];
    TimeAhead "time-ahead" "skip" "a twentieth of the run ahead" [")"] [Replay];
    TimeBack "time-back" "" "a twentieth of the run back" ["("] [Replay];
    Faster "faster" "faster" "play faster" ["}"] [Replay];
    Slower "slower" "" "play slower" ["{"] [Replay];
    ReplayFailure "replay-failure" "failure" "to the first failure" ["F"] [Replay];
    ReplayStart "replay-start" "" "to the start of the run" ["0"] [Replay];
    ReplayEnd "replay-end" "" "to the end of the run" ["$"] [Replay];

    WalkLeft "walk-left" "" "walk to a stage before this one" ["h", "left"] [Graph];
    WalkDown "walk-down" "" "walk to the stage below" ["j", "down"] [Graph];
    WalkUp "walk-up" "" "walk to the stage above" ["k", "up"] [Graph];
    WalkRight "walk-right" "" "walk to a stage after this one" ["l", "right"] [Graph];
    FocusLog "focus-log" "log" "move to the stage's log" ["enter"] [Graph];
    NextFailed "next-failed" "next failed" "the next failed stage, or one that waits; at its error line" ["n"] [Graph];
    PreviousFailed "previous-failed" "" "the one before" ["N"] [Graph];
    FirstStage "first-stage" "" "select the first stage" ["g", "home"] [Graph];
    LastStage "last-stage" "" "select the last stage" ["G", "end"] [Graph];
    FollowRunning "follow-running" "" "select whatever stage is running from now on" ["."] [Graph];
    InstanceNext "instance-next" "" "the next instance of a stage in a loop" ["]"] [Graph];
    InstancePrevious "instance-previous" "" "the instance before, then the stage itself" ["["] [Graph];
    Unfold "unfold" "" "list the instances of a stage in a loop, or fold them up" ["space"] [Graph];
    CriticalPath "critical-path" "" "mark the stages that decide how long the run takes" ["c"] [Run];
    Zoom "zoom" "zoom" "show the graph as boxes, lines or a list" ["z"] [Run];

    LogDown "log-down" "" "one line down" ["j", "down"] [Log];
    LogUp "log-up" "" "one line up" ["k", "up"] [Log];
    LogPageDown "log-page-down" "" "one page down" ["ctrl-f", "pagedown", "space"] [Log];
    LogPageUp "log-page-up" "" "one page up" ["ctrl-b", "pageup"] [Log];
    LogHalfDown "log-half-down" "" "half a page down" ["ctrl-d"] [Log];
    LogHalfUp "log-half-up" "" "half a page up" ["ctrl-u"] [Log];
    LogTop "log-top" "top" "the first line" ["g", "home"] [Log];
    LogEnd "log-end" "follow" "the last line, and follow what comes" ["G", "end"] [Log];
    LogLeft "log-left" "" "scroll left" ["<", "left", "h"] [Log];
    LogRight "log-right" "" "scroll right" [">", "right", "l"] [Log];
    Search "search" "search" "search a regex; lower case: any case" ["/"] [Log, Graph, Inspector];
    Keep "keep" "filter" "show only the lines that match a regular expression" ["&"] [Log];
    Leave "leave-out" "" "show only the lines that do not match" ["!"] [Log];
    Merge "merge" "" "this stage, or all stages in the order of time" ["s"] [Log, Graph];
    Columns "columns" "" "show JSON lines as columns, or as they came" ["J"] [Log];
    NextHit "next-hit" "next" "the next match" ["n"] [Log];
    PreviousHit "previous-hit" "" "the match before" ["N"] [Log];
    Wrap "wrap" "wrap" "wrap long lines or cut them" ["w"] [Log];
    Timestamps "timestamps" "times" "times of lines: off, since the start, time of day" ["T"] [Log];
    Mark "mark" "" "start or drop a selection of lines" ["v"] [Log];
    AttemptPrevious "attempt-previous" "" "the log of the attempt before" ["["] [Log];
    AttemptNext "attempt-next" "" "the log of the next attempt" ["]"] [Log];
    Copy "copy" "copy" "copy the line or the selection" ["y"] [Log];

    TabNext "tab-next" "next tab" "the next tab" ["l", "right", "]"] [Inspector];
    TabPrevious "tab-previous" "" "the tab before" ["h", "left", "["] [Inspector];
    TreeDown "tree-down" "" "one row down" ["j", "down"] [Inspector];
    TreeUp "tree-up" "" "one row up" ["k", "up"] [Inspector];
    TreePageDown "tree-page-down" "" "one page down" ["ctrl-d", "pagedown"] [Inspector];
    TreePageUp "tree-page-up" "" "one page up" ["ctrl-u", "pageup"] [Inspector];
    Fold "fold" "fold" "fold or unfold" ["enter", "space"] [Inspector];
    FoldAll "fold-all" "" "fold or unfold everything" ["-"] [Inspector];
    FindNext "find-next" "" "the next match in the tree" ["n"] [Inspector];
    FindPrevious "find-previous" "" "the match before in the tree" ["N"] [Inspector];
    CompareEarlier "compare-earlier" "" "compare the last attempt with an earlier one" ["<"] [Inspector];
    CompareLater "compare-later" "" "compare the last attempt with a later one" [">"] [Inspector];
    CopyValue "copy-value" "copy" "copy the value" ["y"] [Inspector];
    CopyPath "copy-path" "" "copy the path of the value" ["Y"] [Inspector];

    Inspect "inspect" "inspect" "config, inputs, output, error and attempts of the stage" ["i"] [Run];
    FocusNext "focus-next" "pane" "move to the next pane" ["tab"] [Run];
    OpenBelow "open-below" "run below" "open the run that does this stage's work" ["o"] [Run];
    Resolve "resolve" "resolve" "say what became of work that was interrupted" ["R"] [Run];
    ToApproval "to-approval" "approval" "the request that this stage waits for" ["a"] [Run];
    Cancel "cancel" "cancel" "cancel the run, after asking; again to force" ["x"] [Run];
    Rerun "rerun" "rerun" "run again: from the failure, the start or this stage" ["r"] [Run];
    EditInputs "edit-inputs" "edit" "edit the inputs and run again" ["e"] [Run];
    EditConfig "edit-config" "" "edit the config of the stage and run again" ["E"] [Run];
    Replay "replay" "replay" "play a run that has ended again, event by event" ["p"] [Run, Runs];

    ListDown "list-down" "down" "one row down" ["j", "down"] [List];
    ListUp "list-up" "" "one row up" ["k", "up"] [List];
    ListPageDown "list-page-down" "page" "one page down" ["ctrl-d", "ctrl-f", "pagedown"] [List];
    ListPageUp "list-page-up" "" "one page up" ["ctrl-u", "ctrl-b", "pageup"] [List];
    ListTop "list-top" "" "the first row" ["g", "home"] [List];
    ListEnd "list-end" "" "the last row" ["G", "end"] [List];
    Open "open" "open" "open what is selected" ["enter", "o"] [List];
    Filter "filter" "filter" "show only runs that match what you type" ["/"] [Runs];
    UnfoldRun "unfold-run" "" "show the runs that this run started" ["l", "right"] [Runs];
    FoldRun "fold-run" "" "hide them, or go to the run above" ["h", "left"] [Runs];
    ToggleRun "toggle-run" "" "show or hide the runs that this run started" ["space"] [Runs];
    StatusFilter "status-filter" "status" "show all, active, failed or succeeded runs" ["f"] [Runs];
    Probe "probe" "ask now" "ask every service now" ["p"] [Health];
    RollBack "roll-back" "roll back" "go back to an earlier release, after typing where and which" ["b"] [Deployments, Run];
    Promote "promote" "promote" "bring what is live on to the next environment, after typing where" ["p"] [Deployments];
    Hold "hold" "hold" "let nothing automatic deploy, after typing where" ["H"] [Deployments];
    Quarantine "quarantine" "" "let nobody deploy an artefact, after typing which" ["Q"] [Deployments];
    Lift "lift" "lift" "lift a hold or a quarantine, after typing what" ["L"] [Deployments];
    HistoryDown "history-down" "history" "down in the history" ["J"] [Deployments];
    HistoryUp "history-up" "" "up in the history" ["K"] [Deployments];
    Approve "approve" "approve" "approve the start, after typing what it is for" ["a"] [Approvals];
    Reject "reject" "reject" "reject the start, after typing what it is for" ["x"] [Approvals];
    Withdraw "withdraw" "withdraw" "withdraw the request, after typing what it is for" ["w"] [Approvals];
    DetailDown "detail-down" "more" "scroll the request" ["J"] [Approvals];
    DetailUp "detail-up" "" "scroll the request back" ["K"] [Approvals];
    AuditFind "audit-find" "find" "show only records of this page that match what you type" ["/"] [Audit];
    AuditFamily "audit-family" "family" "show all records, or those of gates, runs or the engine" ["f"] [Audit];
    AuditVerify "audit-verify" "verify" "have the engine go through the whole chain" ["V"] [Audit];

    Back "back" "back" "back out one step" ["esc"] [Dialog, Text, Global];
    FirstError "first-error" "first error" "what failed last, at its first error line; again: the next failed stage" ["F"] [Global];
    GoOverview "overview" "" "the overview" ["1"] [Global];
    GoRuns "runs" "" "all runs" ["2"] [Global];
    GoRun "run" "" "the run looked at last" ["3"] [Global];
    GoDeployments "deployments" "" "what is live where" ["4"] [Global];
    GoApprovals "approvals" "" "gates that wait for a person" ["5"] [Global];
    GoHealth "health" "" "the services and how they do" ["6"] [Global];
    GoIncidents "incidents" "" "alerts and what happened" ["7"] [Global];
    GoAudit "audit" "" "who ordered what" ["8"] [Global];
    GoMetrics "metrics" "" "how often and how fast pipelines succeed" ["9"] [Global];
    ScreenNext "screen-next" "" "the next screen" ["tab"] [Global];
    ScreenPrevious "screen-previous" "" "the screen before" ["backtab"] [Global];
    JumpBack "jump-back" "" "the place looked at before" ["ctrl-o"] [Global];
    Palette "palette" "" "find an action, a pipeline to run, a run, a stage or a theme by name" [":"] [Global];
    Help "help" "help" "what the keys do here" ["?", "f1"] [Global];
    Messages "messages" "" "the last remarks and errors, with their time" ["M"] [Global];
    Theme "theme" "" "choose the colours, seeing each" ["ctrl-t"] [Global];
    Mouse "mouse" "" "let the wheel scroll here, or leave the mouse to the terminal" ["m"] [Global];
    Redraw "redraw" "" "paint the screen again" ["ctrl-l"] [Global];
    Suspend "suspend" "" "stop the console until the shell brings it back" ["ctrl-z"] [Global];
    Quit "quit" "quit" "leave the console; runs go on" ["q", "ctrl-c"] [Global];
}

impl Action {
    /// The action's entry in the list.
    pub fn facts(self) -> &'static Facts {
        &ALL[self as usize]
    }

    /// The action of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        ALL.iter().find(|facts| facts.name == name).map(|facts| facts.action)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{ALL, Action};

    #[test]
    fn names_are_unique_and_find_their_action() {
        let names: HashSet<_> = ALL.iter().map(|facts| facts.name).collect();
        assert_eq!(names.len(), ALL.len());
        for facts in ALL {
            assert_eq!(Action::from_name(facts.name), Some(facts.action));
            assert_eq!(facts.action.facts().name, facts.name);
            assert!(!facts.contexts.is_empty() && !facts.description.is_empty(), "{}", facts.name);
            assert!(!facts.protected || facts.keys.is_empty(), "{} is protected and has a key", facts.name);
        }
    }
}
