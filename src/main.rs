use interloper::pipeline::*;
use serde_json::json;
fn main() {
    // Replaced by the command line.
    let mut paths: Vec<std::path::PathBuf> = Vec::new();
    fn walk(p: std::path::PathBuf, out: &mut Vec<std::path::PathBuf>) {
        if p.is_dir() {
            let mut l: Vec<_> = std::fs::read_dir(&p).unwrap().map(|e| e.unwrap().path()).collect();
            l.sort();
            for e in l { walk(e, out) }
        } else if !p.to_string_lossy().ends_with(".json") { out.push(p) }
    }
    for a in std::env::args().skip(1) { walk(a.into(), &mut paths) }
    let options = ScanOptions { lines: false, ..Default::default() };
    scan_all(&paths, &options, &Watch::default(), |p, r| match r {
        Err(e) => eprintln!("{e}"),
        Ok(r) => {
            for f in &r.conclusion.findings {
                let pk = |l: &[interloper::survey::PacketRef]| l.iter().map(|p| json!({"frame": p.entry.frame})).collect::<Vec<_>>();
                println!("{}", json!({"type":"finding","file":p,"mechanism":f.mechanism.name(),"confidence":f.confidence.name(),"stage":f.stage.name(),"layer":f.layer.name(),
                  "client_ip":f.ends.client.ip,"client_port":f.ends.client.port,"server_ip":f.ends.server.ip,"server_port":f.ends.server.port,"proto":if f.ends.protocol==6 {"tcp"} else {"udp"},
                  "trigger":f.trigger.as_ref().map(|t|json!({"kind":t.kind.name(),"value":String::from_utf8_lossy(&t.value),"frame":t.frame})),
                  "forged":pk(&f.forged),"genuine":pk(&f.genuine),"stream":f.ends.stream_first.and_then(|s|r.streams.number(f.ends.protocol,s)),
                  "evidence":f.claims.iter().map(|c|json!({"rule":c.rule,"class":c.class.name(),"stance":interloper::detect::rules::find(c.rule).unwrap().stance.name(),"frames":c.frames,"text":c.text,"void":c.void})).collect::<Vec<_>>()}));
            }
        }
    });
}
