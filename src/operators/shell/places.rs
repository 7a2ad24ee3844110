//! Every place against the real shells: what a program receives must be the value, byte for byte.

use std::process::{Command, Stdio};

use proptest::prelude::{
    BoxedStrategy, Just, ProptestConfig, Strategy, TestCaseError, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::language::script::{Flavour, Piece, splice};

/// A script with `@@` where the value goes; what `sh` prints must be the value.
const PLACES: &[&str] = &[
    "printf %s @@",
    "printf %s \"@@\"",
    "printf %s '@@'",
    "x=@@; printf %s \"$x\"",
    "x=\"@@\"\nprintf %s \"$x\"",
    "x=$(printf '%s.' @@); printf %s \"${x%.}\"",
    "x=\"$(printf '%s.' \"@@\")\"; printf %s \"${x%.}\"",
    "x=$(printf '%s.' \"$(printf '%s,' '@@')\" | cat); printf %s \"${x%,.}\"",
    "x=`printf '%s.' @@`; printf %s \"${x%.}\"",
    "x=`printf '%s.' '@@'`; printf %s \"${x%.}\"",
    "x=`printf '%s.' \"@@\"`; printf %s \"${x%.}\"",
    "x=\"`printf '%s.' @@`\"; printf %s \"${x%.}\"",
    "# it's a comment @@ \"\nprintf %s @@",
    "case @@ in x) ;; *) ;; esac; printf %s @@",
    "f() { printf %s \"$1\"; }; f @@",
    "if [ -n @@x ]; then printf %s \"\"@@''; fi",
    "printf %s \\\n  @@ # done",
    "( printf %s @@ )",
    "a=1; printf %s \"${a#1}@@\"",
    "a=$((1 + 2)); printf %s @@",
    "echo a#b ';' >/dev/null; printf %s @@",
    "_x=no; x=; printf %s \"$x@@\"",
    "cat <<EOF >/dev/null\n$((1)) $(echo 'x') \"\nEOF\nprintf %s @@",
    "cat <<'EOF' >/dev/null; printf %s \"@@\"\nit's $( `\nEOF",
];

const BASH_PLACES: &[&str] = &[
    "printf %s $'a\\'b\\n@@' | tail -c +5",
    "cat <<<@@ | head -c -1",
    "declare -A m; m[k]=@@; printf %s \"${m[k]}\"",
    "[[ -n x && (a == a) ]]; printf %s @@",
    "(( 1 < 2 )); printf %s @@",
    "printf %s $\"@@\"",
];

fn pieces(template: &str, value: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (at, part) in template.split("@@").enumerate() {
        if at > 0 {
            pieces.push(Piece::Value { text: value.to_owned(), expression: "x".to_owned() });
        }
        pieces.push(Piece::Literal(part.to_owned()));
    }
    pieces
}

fn splice_text(template: &str, value: &str, flavour: Flavour) -> Result<String, String> {
    splice(&pieces(template, value), flavour).map_err(|error| error.to_string())
}

fn run(shell: &str, script: &str) -> Vec<u8> {
    let output = Command::new(shell).arg("-ec").arg(script).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{shell}: {script}\n{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn has_bash() -> bool {
    Command::new("bash").arg("-c").arg(":").status().is_ok()
}

fn arrives(shell: &str, flavour: Flavour, template: &str, value: &str) {
    let script = splice_text(template, value, flavour).unwrap_or_else(|error| panic!("{template}: {error}"));
    let seen = run(shell, &script);
    assert_eq!(String::from_utf8_lossy(&seen), value, "{shell}: {script}");
}

const HOSTILE: &[&str] = &[
    "",
    "plain",
    "two words",
    "$(rm -rf /)",
    "`id`",
    "it's",
    "a\"b",
    "'; echo pwned; '",
    "\"; echo pwned; \"",
    "back\\slash\\",
    "$HOME ${HOME} $1 $((1+1))",
    "line\nbreak",
    "\nEOF\necho pwned\n",
    "-n",
    "a && b || c; d & e | f > g",
    "*?[a-z]~!{a,b}",
    "# no comment",
    "ünïcode 🦀 \u{a0}",
    "\t tab \r",
    "_x",
    "{\"json\": [1, \"two\"]}",
    "\u{1}\u{7f}\u{81}\u{88}",
];

#[test]
fn hostile_values_arrive_as_they_are_everywhere() {
    for value in HOSTILE {
        for place in PLACES {
            arrives("sh", Flavour::Sh, place, value);
            if has_bash() {
                arrives("bash", Flavour::Bash, place, value);
                arrives("bash", Flavour::Sh, place, value);
            }
        }
        for place in BASH_PLACES.iter().filter(|_| has_bash()) {
            arrives("bash", Flavour::Bash, place, value);
        }
    }
}

#[test]
fn here_documents_carry_values_or_refuse_them() {
    for value in HOSTILE {
        for place in ["cat <<EOF\n@@\nEOF", "cat <<'EOF'\n@@\nEOF\n", "cat <<\"E F\" # x\n@@\nE F", "cat <<-EOF\n\tx@@\n\tEOF"] {
            match splice_text(place, value, Flavour::Sh) {
                Ok(script) => {
                    let seen = String::from_utf8(run("sh", &script)).unwrap();
                    let seen = seen.strip_suffix('\n').unwrap();
                    assert_eq!(if place.contains("<<-") { &seen[1..] } else { seen }, *value, "{script}");
                }
                Err(error) => assert!(value.contains("\nEOF\n") || value.contains("\n\t"), "{value:?}: {error}"),
            }
        }
    }
    let ends = "its value has a line that ends the here-document";
    assert!(splice_text("cat <<EOF\n@@\nEOF", "a\nEOF\nrm", Flavour::Sh).unwrap_err().ends_with(ends));
    let completes = splice_text("cat <<EOF\nE@@F\nrm -rf /\nEOF", "O", Flavour::Sh).unwrap_err();
    assert!(completes.ends_with("its value completes a line that ends the here-document"), "{completes}");
    assert!(splice_text("cat <<EOF\n@@", "EOF", Flavour::Sh).is_err());
}

#[test]
fn arithmetic_takes_whole_numbers_only() {
    let double = "printf %s $(( 2 * @@ ))";
    assert_eq!(run("sh", &splice_text(double, "21", Flavour::Sh).unwrap()), b"42");
    assert_eq!(run("sh", &splice_text("printf %s $(( 1 -@@ ))", "-2", Flavour::Sh).unwrap()), b"3");
    for value in ["x", "a[$(id)]", "", "1.5", "-", "1 + 1"] {
        assert!(splice_text(double, value, Flavour::Bash).unwrap_err().contains("whole number"), "{value}");
        assert!(splice_text("echo $(( \"@@\" + 1 ))", value, Flavour::Sh).is_err(), "{value}");
        assert!(splice_text("(( @@ ))", value, Flavour::Bash).is_err(), "{value}");
    }
}

#[test]
fn double_brackets_that_compute_take_whole_numbers_only() {
    let places = [
        "[[ @@ -gt 3 ]]",
        "[[ $x -eq \"@@\" ]]",
        "[[ -v '@@' ]]",
        "[[ a == b && $(echo @@) -lt 3 ]]",
        "if [[\n@@ -ne 1 ]]; then :; fi",
    ];
    for place in places {
        assert!(splice_text(place, "a[$(id)]", Flavour::Sh).is_err(), "{place}");
        assert!(splice_text(place, "-5", Flavour::Bash).is_ok(), "{place}");
    }
    assert_eq!(splice_text("[[ $x == @@ ]]; ls -lt @@", "a b", Flavour::Bash).unwrap(), "[[ $x == 'a b' ]]; ls -lt 'a b'");
    assert_eq!(splice_text("[ @@ -gt 3 ]", "a b", Flavour::Sh).unwrap(), "[ 'a b' -gt 3 ]");
}

#[test]
fn places_where_shells_disagree_are_refused() {
    let sh_only = ["x=$'a@@'", "x=$'a\\'b'; echo @@", "cat <<<x; echo @@"];
    for place in sh_only {
        assert!(splice_text(place, "v", Flavour::Sh).is_err(), "{place}");
    }
    let places = [
        "echo \\@@",
        "echo \"\\@@\"",
        "echo $@@",
        "echo \"$@@\"",
        "echo ${x:-@@}",
        "echo ${x:-\"@@\"}",
        "echo ${x:-'@@'}",
        "echo \"${x:-'a'}\" @@",
        "x=$(case $y in a) echo @@;; esac)",
        "x=\"$(case $y in a) echo @@;; esac)\"",
        "echo `echo \\`echo @@\\``",
        "echo `echo \"a` @@\"`",
        "echo `'` @@",
        "echo `echo # it's ` @@",
        "echo \"`echo \"@@\"`\"",
        "cat <<@@\nx\n",
        "cat <<E@@\nx\n",
        "cat <<$E\n@@\n$E\n",
        "cat <<EOF $(echo\n@@\n)\nEOF\n",
        "x=$(cat <<EOF)\n@@",
        "x=$(cat <<EOF\na\nEOF) @@",
        "cat <<EOF\n$x@@\nEOF",
        "cat <<EOF\n$(echo\n@@)\nEOF",
        "((x << 2)); echo @@",
        "a[@@]=1",
        "echo $[1] @@",
    ];
    for place in places {
        for flavour in [Flavour::Sh, Flavour::Bash] {
            assert!(splice_text(place, "; v", flavour).is_err(), "{place}: {:?}", splice_text(place, "; v", flavour));
        }
    }
}

#[test]
fn a_nul_is_refused_and_the_value_is_not_told() {
    let error = splice_text("echo @@", "hunter2\0", Flavour::Sh).unwrap_err();
    assert_eq!(error, "the value of {{x}} cannot be quoted here: its value contains a NUL character, which no script can");
}

#[test]
fn text_in_two_parts_is_read_as_one() {
    let raw = vec![
        Piece::Literal("printf %s $".to_owned()),
        Piece::Literal("(printf %s ".to_owned()),
        Piece::Value { text: "a b".to_owned(), expression: "x".to_owned() },
        Piece::Literal(")".to_owned()),
    ];
    assert_eq!(splice(&raw, Flavour::Sh).unwrap(), "printf %s $(printf %s 'a b')");
}

#[test]
fn plain_values_stay_readable_in_double_quotes() {
    assert_eq!(splice_text("echo \"on @@ now\"", "web-1.2 b", Flavour::Sh).unwrap(), "echo \"on web-1.2 b now\"");
}

fn hostile_text() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        prop::sample::select(vec![
            "'", "\"", "\\", "$", "`", "\n", "EOF", "$(", ")", "${", "}", "#", " ", "((", "))", ";", "a", "_x", "!"
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_filter("no nul", |c| *c != '\0').prop_map(String::from),
    ];
    prop::collection::vec(fragment, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_arrives_in_any_place(value in hostile_text()) {
        let frame = |shell: &str, places: &[&str], flavour| {
            // One process for all places: each prints its value and a separator.
            let parts: Vec<String> = places.iter().map(|place| splice_text(place, &value, flavour).unwrap()).collect();
            let script = parts.join("\nprintf '\\001\\002'\n");
            let seen = run(shell, &script);
            String::from_utf8_lossy(&seen).split("\u{1}\u{2}").map(str::to_owned).collect::<Vec<_>>()
        };
        if !value.contains('\u{1}') {
            prop_assert_eq!(frame("sh", PLACES, Flavour::Sh), vec![value.clone(); PLACES.len()]);
            if has_bash() {
                prop_assert_eq!(frame("bash", PLACES, Flavour::Bash), vec![value.clone(); PLACES.len()]);
                prop_assert_eq!(frame("bash", BASH_PLACES, Flavour::Bash), vec![value.clone(); BASH_PLACES.len()]);
            }
        }
    }

    #[test]
    fn a_heap_of_shell_syntax_never_runs_the_value(
        parts in prop::collection::vec(prop::sample::select(vec![
            "'", "\"", "\\", "$", "`", "\n", "EOF", "<<EOF", "<<'EOF'", "<<-EOF", "$(", ")", "${x", "}", "# ", " ", "((", "))", "$((", ";", "echo",
            "case", "a[", "@@", "@@", "\\\n", "$'", "<<<",
        ]), 1..14),
    ) {
        stays_inert(&parts.concat())?;
    }

    #[test]
    fn a_well_formed_script_never_runs_the_value(script in script()) {
        stays_inert(&script)?;
    }
}

/// Scripts as people write them, nested three deep, with values in any place.
fn script() -> impl Strategy<Value = String> {
    let plain = prop::sample::select(vec![
        "@@",
        "@@",
        "x",
        "$v",
        "\"$v@@\"",
        "a@@b",
        "$'it\\'s @@'",
        "${v:-d}",
        "${#v}",
        "a\\ b",
        "$((1 + 2))",
    ]);
    let word = plain.prop_map(str::to_owned).boxed();
    let commands = command(&word).boxed();
    commands.prop_recursive(3, 24, 4, |inner| {
        let quoted = prop::collection::vec(
            prop_oneof![
                Just("@@".to_owned()),
                Just(" it's ".to_owned()),
                Just("\\\"".to_owned()),
                Just("${v:-\"d\"}".to_owned()),
                inner.clone().prop_map(|script| format!("$({script})")),
                inner.clone().prop_map(|script| format!("`{script}`")),
            ],
            1..4,
        );
        let word = prop_oneof![
            Just("@@".to_owned()),
            quoted.prop_map(|parts| format!("\"{}\"", parts.concat())),
            Just("'say \"@@\" `$('".to_owned()),
            inner.clone().prop_map(|script| format!("$({script})")),
            inner.clone().prop_map(|script| format!("$({script}\n)")),
            inner.clone().prop_map(|script| format!("`{script}`")),
            Just("$(( 1 + (2 * 3) ))".to_owned()),
        ];
        let word = word.boxed();
        prop_oneof![
            command(&word),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}\n{b}")),
            inner.clone().prop_map(|script| format!("( {script} )")),
            inner.clone().prop_map(|script| format!("if true; then\n{script}\nfi")),
            (word.clone(), inner.clone())
                .prop_map(|(word, script)| format!("case {word} in\n  a|'b') {script} ;;\n  *) : ;;\nesac")),
            (word.clone(), inner.clone()).prop_map(|(word, script)| format!("cat <<EOF\nit's \"{word}\" @@\nEOF\n{script}")),
            (word.clone(), word).prop_map(|(a, b)| format!("cat <<'EOF' {a}\nit's `$( @@\nEOF\n: {b}")),
        ]
    })
}

fn command(word: &BoxedStrategy<String>) -> impl Strategy<Value = String> + use<> {
    (prop::sample::select(vec![": ", "echo ", "v=", "# it's ", "echo a#b;: ", "[ -n x ] && : ", ": >/dev/null "]), word.clone())
        .prop_map(|(start, word)| format!("{start}{word}"))
}

/// Runs a script in which the value is a probe that would leave a mark wherever a shell took a part of it for a command.
fn stays_inert(template: &str) -> Result<(), TestCaseError> {
    let directory = tempfile::tempdir().unwrap();
    let mark = directory.path().join("mark");
    let probe = format!("\n:>{0}\n;:>{0};$(:>{0})`:>{0}`'\n:>{0}\n'\"\n:>{0}\n\"\n)\n:>{0}\n", mark.display());
    for (shell, flavour) in [("sh", Flavour::Sh), ("bash", Flavour::Bash), ("bash", Flavour::Sh)] {
        if let Ok(script) = splice_text(template, &probe, flavour)
            && Command::new(shell).arg("-c").arg(&script).current_dir(&directory).stdin(Stdio::null()).output().is_ok()
        {
            prop_assert!(!mark.exists(), "{}: {}", shell, script);
        }
    }
    Ok(())
}

#[test]
fn most_well_formed_scripts_are_taken() {
    let mut runner = TestRunner::deterministic();
    let tries = 200;
    let taken = (0..tries).filter(|_| {
        let script = script().new_tree(&mut runner).unwrap().current();
        splice_text(&script, "a 'b' $c", Flavour::Bash).is_ok()
    });
    let taken = taken.count();
    assert!(taken * 2 > tries, "{taken} of {tries}");
}
