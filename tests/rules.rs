//! Every rule against a story in which it has to speak and one in which it has to hold its tongue.
//!
//! The rules see a flow built by the shard from scripted frames, and surroundings written down beside it: what the survey finds in
//! whole captures is for `golden`. In the second story there is a suspect of the same mechanism all the same.

#[path = "rules/answers.rs"]
mod answers;
#[path = "rules/drops.rs"]
mod drops;
#[path = "rules/given.rs"]
mod given;
#[path = "rules/machines.rs"]
mod machines;
#[path = "rules/pages.rs"]
mod pages;
#[path = "rules/resets.rs"]
mod resets;
#[path = "rules/resets_counted.rs"]
mod resets_counted;
#[path = "rules/resets_explained.rs"]
mod resets_explained;
#[path = "rules/transfers.rs"]
mod transfers;

use given::Given;
use interloper::detect::finding::Mechanism;
use interloper::detect::rules::RULES;
use std::collections::BTreeMap;

/// A rule, the mechanism it is tried on, a story for which its claim stands and one of which it says nothing.
pub type Row = (&'static str, Mechanism, fn(&mut Given), fn(&mut Given));

/// Rules that look at the very thing that raises their suspect: in their second story there is none.
const SELF_RAISED: [&str; 3] = ["issuer-known", "byte-limit", "rate-ceiling"];

fn rows() -> impl Iterator<Item = &'static Row> {
    [resets::ROWS, resets_explained::ROWS, answers::ROWS, machines::ROWS, drops::ROWS, pages::ROWS, transfers::ROWS].into_iter().flatten()
}

#[test]
fn every_rule_is_in_the_table_once() {
    let mut times: BTreeMap<&str, usize> = RULES.iter().map(|r| (r.id, 0)).collect();
    for (id, ..) in rows() {
        *times.get_mut(id).unwrap_or_else(|| panic!("{id} is no rule")) += 1;
    }
    let wrong: Vec<_> = times.into_iter().filter(|(_, n)| *n != 1).collect();
    assert!(wrong.is_empty(), "rules and how often they are told of: {wrong:?}");
}

fn told(id: &str, mechanism: Mechanism, story: fn(&mut Given), which: &str) -> Result<bool, String> {
    let rule = RULES.iter().find(|r| r.id == id).unwrap();
    if !rule.mechanisms.contains(&mechanism) {
        return Err(format!("{id} does not look at {mechanism}"));
    }
    let mut given = Given::default();
    story(&mut given);
    let claims = given.claims(mechanism).ok_or_else(|| format!("{id}: no {mechanism} is suspected in the {which} story"))?;
    match claims.iter().find(|c| c.rule == id) {
        Some(claim) if which == "guilty" && claim.void.is_some() => Err(format!("{id}: voided by {:?}", claim.void)),
        claim => Ok(claim.is_some()),
    }
}

#[test]
fn every_rule_speaks_when_it_should() {
    let mut complaints = Vec::new();
    for (id, mechanism, guilty, _) in rows() {
        match told(id, *mechanism, *guilty, "guilty") {
            Err(why) => complaints.push(why),
            Ok(false) => complaints.push(format!("{id} says nothing")),
            Ok(true) => {}
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn every_rule_is_silent_when_it_should_be() {
    let mut complaints = Vec::new();
    for (id, mechanism, _, innocent) in rows() {
        match told(id, *mechanism, *innocent, "innocent") {
            Err(_) if SELF_RAISED.contains(id) => {}
            Ok(_) if SELF_RAISED.contains(id) => complaints.push(format!("{id}: a suspect in the innocent story")),
            Err(why) => complaints.push(why),
            Ok(true) => complaints.push(format!("{id} speaks")),
            Ok(false) => {}
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}
