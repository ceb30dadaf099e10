//! Writes every scripted scenario: `cargo run --example scenarios [DIRECTORY]`.
//!
//! Output depends on the scripts alone, so a changed capture in a diff is a changed script or builder.

#[path = "scenarios/afterwards.rs"]
mod afterwards;
#[path = "scenarios/answers.rs"]
mod answers;
#[path = "scenarios/answers_honest.rs"]
mod answers_honest;
#[path = "scenarios/answers_innocent.rs"]
mod answers_innocent;
#[path = "scenarios/answers_instead.rs"]
mod answers_instead;
#[path = "scenarios/artefacts.rs"]
mod artefacts;
#[path = "scenarios/disguises.rs"]
mod disguises;
#[path = "scenarios/drops.rs"]
mod drops;
#[path = "scenarios/drops_innocent.rs"]
mod drops_innocent;
#[path = "scenarios/evasion.rs"]
mod evasion;
#[path = "scenarios/forgeries.rs"]
mod forgeries;
#[path = "scenarios/given_up.rs"]
mod given_up;
#[path = "scenarios/gone_innocent.rs"]
mod gone_innocent;
#[path = "scenarios/greetings.rs"]
mod greetings;
#[path = "scenarios/injectors.rs"]
mod injectors;
#[path = "scenarios/lasting.rs"]
mod lasting;
#[path = "scenarios/look_alikes.rs"]
mod look_alikes;
#[path = "scenarios/machines.rs"]
mod machines;
#[path = "scenarios/refusals.rs"]
mod refusals;
#[path = "scenarios/resets.rs"]
mod resets;
#[path = "scenarios/resets_elsewhere.rs"]
mod resets_elsewhere;
#[path = "scenarios/resets_filtered.rs"]
mod resets_filtered;
#[path = "scenarios/resets_innocent.rs"]
mod resets_innocent;
#[path = "scenarios/resets_placed.rs"]
mod resets_placed;
#[path = "scenarios/resolvers_innocent.rs"]
mod resolvers_innocent;
#[path = "scenarios/returns_innocent.rs"]
mod returns_innocent;
#[path = "scenarios/scene.rs"]
mod scene;
#[path = "scenarios/servers_innocent.rs"]
mod servers_innocent;
#[path = "scenarios/transfers.rs"]
mod transfers;
#[path = "scenarios/trials.rs"]
mod trials;

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let root = std::env::args_os().nth(1).map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("captures"), PathBuf::from);
    let families = [
        resets::scenes(),
        resets_placed::scenes(),
        resets_filtered::scenes(),
        resets_innocent::scenes(),
        resets_elsewhere::scenes(),
        servers_innocent::scenes(),
        answers::scenes(),
        answers_innocent::scenes(),
        answers_instead::scenes(),
        answers_honest::scenes(),
        drops::scenes(),
        drops_innocent::scenes(),
        greetings::scenes(),
        transfers::scenes(),
        forgeries::scenes(),
        injectors::scenes(),
        afterwards::scenes(),
        given_up::scenes(),
        gone_innocent::scenes(),
        lasting::scenes(),
        look_alikes::scenes(),
        machines::scenes(),
        resolvers_innocent::scenes(),
        returns_innocent::scenes(),
        refusals::scenes(),
        trials::scenes(),
        artefacts::scenes(),
        disguises::scenes(),
        evasion::scenes(),
    ];
    let mut counts = [0, 0];
    for scene in families.iter().flatten() {
        scene.write(&root)?;
        counts[usize::from(scene.is_guilty())] += 1;
    }
    println!("{} guilty and {} innocent scenarios in {}", counts[1], counts[0], root.display());
    Ok(())
}
