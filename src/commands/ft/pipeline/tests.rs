use super::*;
use crate::commands::args::Args;
use crate::commands::desk::Desk;
use crate::commands::execute;
use crate::engine;
use crate::protocol::Request;
use crate::protocol::inline::split_arguments;
use std::cell::Cell;

/// A server with an index of so many documents.
fn desk_of(documents: usize) -> Desk {
    let desk = Desk::new();
    let mut seat = desk.seat();
    seat.run("FT.CREATE i PREFIX 1 d: SCHEMA n NUMERIC SORTABLE g TAG u NUMERIC");
    for id in 0..documents {
        let list = (0..5).map(|part| (id * 5 + part).to_string());
        let list = list.collect::<Vec<_>>().join(",");
        seat.run(&format!(
            "HSET d:{id} n {id} g group{} u {id} x text{id} l {list}",
            id % 7
        ));
    }
    desk
}

/// The rows and warnings of an aggregation of `i` whose clock is `is_late`.
fn aggregate_by(
    desk: &Desk,
    line: &str,
    is_late: &dyn Fn() -> bool,
    is_handed_on: bool,
) -> Result<(usize, usize)> {
    let words = split_arguments(format!("FT.AGGREGATE i {line}").as_bytes());
    let request = Request::from_args(words.expect("balanced quotes")).expect("a request");
    let mut seat = desk.seat();
    let mut call = Call {
        context: &desk.context,
        session: &mut seat.session,
        request: &request,
        args: Args::new(&request, 1),
        access: desk.context.engine.access(engine::Patience::Wait),
        command: &AGGREGATE,
    };
    let name = call.args.word()?;
    let (ground, request) = find::begin(&mut call, name, aggregate::read)?;
    let time = Time {
        patience: Patience::new(is_late),
        is_handed_on,
    };
    let outcome = run(&ground, &request, Version::Resp3, &mut (), &time)?;
    let Reply::Map(parts) = outcome.show(&ground, &request, Version::Resp3, &time)? else {
        panic!("no map");
    };
    let count = |name: &str| {
        let part = parts
            .iter()
            .find(|(word, _)| matches!(word, Reply::Simple(word) if *word == name));
        match part {
            Some((_, Reply::Array(items))) => items.len(),
            _ => panic!("no {name}"),
        }
    };
    Ok((count("results"), count("warning")))
}

/// How often an aggregation that has time looks at the clock.
fn looks(desk: &Desk, line: &str) -> usize {
    let looks = Cell::new(0);
    let is_late = || {
        looks.set(looks.get() + 1);
        false
    };
    let found = aggregate_by(desk, line, &is_late, false);
    assert!(found.is_ok_and(|(_, warnings)| warnings == 0), "{line}");
    looks.get()
}

#[test]
fn each_step_looks_at_the_clock() {
    const ROWS: usize = 1000;
    // A row is as long as eight steps at least.
    const LOOKS: usize = ROWS * 8 / STEPS;
    let desk = desk_of(ROWS);
    // Nothing is shown.
    let bare = looks(&desk, "* LIMIT 0 0");
    for (steps, times) in [
        ("LOAD 1 @x", 1),
        ("LOAD *", 1),
        ("APPLY '@n + 1' AS m", 1),
        ("FILTER '@n < 0'", 1),
        ("SORTBY 1 @n", 1),
        ("SORTBY 2 @g DESC", 1),
        ("GROUPBY 0 REDUCE TOLIST 1 @u", 1),
        ("GROUPBY 1 @n", 2),
    ] {
        let looks = looks(&desk, &format!("* {steps} LIMIT 0 0")) - bare;
        assert!(looks >= times * LOOKS, "{steps}: {looks}");
    }
    let line = "* SORTBY 1 @n MAX 1000 GROUPBY 0";
    let sorting = looks(&desk, line) - bare;
    assert!(sorting >= 3 * LOOKS, "{line}: {sorting}");
    let looks = looks(&desk, "*") - bare;
    assert!(looks >= LOOKS, "showing: {looks}");
}

#[test]
fn long_documents_are_looked_behind_each() {
    const ROWS: usize = 20;
    let desk = Desk::new();
    let mut seat = desk.seat();
    seat.run("FT.CREATE i ON JSON PREFIX 1 d: SCHEMA $.n AS n NUMERIC");
    for id in 0..ROWS {
        seat.run(&format!("JSON.SET d:{id} $ '{{\"n\":1}}'"));
    }
    assert!(looks(&desk, "* LOAD 1 $..n LIMIT 0 0") >= ROWS);
    seat.run("FT.DROPINDEX i");
    let text = "x".repeat(64 * STEPS);
    seat.run("FT.CREATE i PREFIX 1 h: SCHEMA n NUMERIC");
    for id in 0..ROWS {
        seat.send(["HSET", &format!("h:{id}"), "n", "1", "t", &text]);
    }
    let steps = "LOAD 1 @t";
    let loaded = looks(&desk, &format!("* {steps} LIMIT 0 0"));
    assert!(loaded >= ROWS, "{loaded}");
    let filtered = looks(
        &desk,
        &format!("* {steps} FILTER 'contains(@t,\"y\")' LIMIT 0 0"),
    );
    assert!(filtered >= loaded + ROWS, "{filtered}");
}

#[test]
fn whenever_the_time_ends_there_are_some_rows_and_a_warning_or_an_error() {
    let desk = desk_of(120);
    let mut seat = desk.seat();
    for line in [
        "* LOAD 1 @x LOAD 1 @l APPLY split(@l) AS p APPLY upper(@x) AS y FILTER '@n >= 0'",
        "* LOAD 2 @x @l SORTBY 2 @x DESC",
        "* LOAD 1 @x GROUPBY 1 @x REDUCE COUNT 0 AS c SORTBY 2 @c DESC MAX 1000 APPLY '@c + 1' AS d",
        "* LOAD 1 @l APPLY split(@l) AS p GROUPBY 2 @p @n REDUCE TOLIST 1 @u GROUPBY 1 @p LIMIT 0 9999",
        "* LOAD 2 @x @l APPLY split(@l) AS p FILTER '@n >= 0' LIMIT 0 300",
        "* SORTBY 4 @g ASC @n DESC MAX 1000",
    ] {
        let all = looks(&desk, line);
        for late_at in 1..=all {
            let looks = Cell::new(0);
            let is_late = || {
                looks.set(looks.get() + 1);
                looks.get() >= late_at
            };
            let aggregate = || aggregate_by(&desk, line, &is_late, false);
            seat.run("CONFIG SET search-on-timeout return");
            let found = aggregate();
            assert!(
                found.is_ok_and(|(rows, warnings)| rows > 0 && warnings == 1),
                "{line}: {late_at} of {all}"
            );
            assert_eq!(looks.get(), late_at, "nobody asks once it is over");
            seat.run("CONFIG SET search-on-timeout fail");
            looks.set(0);
            assert!(aggregate().is_err(), "{line}: {late_at} of {all}");
        }
    }
}

#[test]
fn what_is_late_goes_on_with_few_rows() {
    let desk = desk_of(5000);
    let looks = Cell::new(0);
    let is_late = || {
        looks.set(looks.get() + 1);
        looks.get() == 30
    };
    let found = aggregate_by(&desk, "* SORTBY 1 @n MAX 5000", &is_late, false);
    let (rows, _) = found.expect("rows");
    assert!((1000..LATE_STEPS / 8).contains(&rows), "{rows}");
}

#[test]
fn what_is_not_brief_is_begun_again_among_the_long() {
    let desk = desk_of(300);
    let handed_on = aggregate_by(&desk, "* GROUPBY 1 @n", &|| true, true);
    assert!(matches!(handed_on, Err(Refusal::NotHere(Delay::Long))));
    let on_time = aggregate_by(&desk, "* GROUPBY 1 @n", &|| false, true);
    assert_eq!(on_time.ok(), Some((300, 0)));
    // Two lists make a million groups of one document.
    let mut seat = desk.seat();
    let list: Vec<String> = (0..1024).map(|part| part.to_string()).collect();
    seat.run(&format!("HSET d:list n 9999 l {}", list.join(",")));
    let lists = "LOAD 1 @l APPLY split(@l) AS a APPLY split(@l) AS b GROUPBY 2 @a @b LIMIT 0 1";
    let line = format!("FT.AGGREGATE i '@n:[9999 9999]' TIMEOUT 0 {lists}");
    assert_eq!(seat.delay(&line), Some(Delay::Brief));
    let words = split_arguments(line.as_bytes()).expect("balanced quotes");
    let request = Request::from_args(words).expect("a request");
    let patience = engine::Patience::Brief;
    let outcome = execute(&desk.context, &mut seat.session, &request, patience);
    let is_long = matches!(outcome, crate::commands::Outcome::Delayed(Delay::Long));
    assert!(is_long);
}

#[test]
fn what_grows_with_each_step_is_refused_before_it_takes_all_memory() {
    let desk = Desk::new();
    let mut seat = desk.seat();
    seat.run("FT.CREATE i PREFIX 1 d: SCHEMA n NUMERIC");
    let text = "x".repeat(600_000);
    seat.send(["HSET", "d:1", "n", "1", "t", &text]);
    let mut aggregate = |apply: &str, times: usize| {
        let line = "FT.AGGREGATE i * LOAD 1 @t";
        seat.run(&format!("{line} {}", format!("{apply} ").repeat(times)))
    };
    let once = aggregate("APPLY 'format(\"%s\",@t)' AS u LIMIT 0 1", 1);
    assert!(once.contains("xxx"));
    assert_eq!(
        aggregate("APPLY 'format(\"%s%s\",@t,@t)' AS t", 33),
        "(error) Formatted text is longer than 1 MB"
    );
    assert_eq!(
        aggregate("APPLY 'format(\"%s\",@t)' AS u", 1000),
        "(error) What APPLY computed takes more than 512 MB"
    );
}

#[test]
fn rows_whose_number_is_none_come_last_in_either_direction() {
    let desk = desk_of(6);
    let mut seat = desk.seat();
    let mut order = |direction: &str| {
        let steps = "LOAD 1 @n APPLY 'sqrt(@n - 2)' AS r";
        let reply = seat.run(&format!("FT.AGGREGATE i * {steps} SORTBY 2 @r {direction}"));
        assert!(reply.contains("nan"), "{reply}");
        let numbers = reply.split("\"n\"").skip(1);
        numbers
            .map(|rest| rest.split('"').nth(1).expect("a value").to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(order("ASC"), "2 3 4 5 0 1");
    assert_eq!(order("DESC"), "5 4 3 2 1 0");
}
