//! What `deploy/` holds fits the program: the metrics that are drawn and watched are there, and units and
//! containers are given options that it has.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::common::optional::PROMTOOL;
use crate::common::{Finished, Serving, indexer, run};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy");

fn read(name: &str) -> String {
    fs::read_to_string(format!("{FOLDER}/{name}")).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A metric as the server describes it.
#[derive(Default)]
struct Metric {
    kind: String,
    help: String,
    labels: BTreeSet<String>,
}

/// All metrics of a server, by name.
fn metrics() -> BTreeMap<String, Metric> {
    let serving = Serving::start(&["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]);
    let response = serving.get("/metrics");
    let (_, page) = response.split_once("\r\n\r\n").unwrap();
    let mut metrics = BTreeMap::<String, Metric>::new();
    for line in page.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|it| it.split_once(' ')) {
            metrics.entry(name.into()).or_default().help = help.into();
        } else if let Some((name, kind)) =
            line.strip_prefix("# TYPE ").and_then(|it| it.split_once(' '))
        {
            metrics.entry(name.into()).or_default().kind = kind.into();
        } else if let Some((name, rest)) = line.split_once('{')
            && let Some(metric) = metrics.get_mut(name)
        {
            let labels = rest.split('}').next().unwrap().split(',');
            metric.labels.extend(labels.map(|label| label.split('=').next().unwrap().to_owned()));
        }
    }
    metrics
}

/// What a panel asks Prometheus for: the question, and how its answers are called.
fn questions(name: &str, metric: &Metric) -> Vec<(String, String)> {
    let every = "$__rate_interval";
    let labels: String = metric.labels.iter().map(|label| format!(", {label}")).collect();
    let called: String = metric.labels.iter().map(|label| format!(" {{{{{label}}}}}")).collect();
    match metric.kind.as_str() {
        "counter" => vec![(
            format!("sum by (instance{labels}) (rate({name}[{every}]))"),
            format!("{{{{instance}}}}{called}"),
        )],
        "histogram" => [0.5, 0.99]
            .map(|quantile| {
                let rates = format!("sum by (instance, le) (rate({name}_bucket[{every}]))");
                let question = format!("histogram_quantile({quantile}, {rates})");
                (question, format!("{{{{instance}}}} {quantile}"))
            })
            .into(),
        _ => vec![(name.to_owned(), format!("{{{{instance}}}}{called}"))],
    }
}

fn unit(name: &str, metric: &Metric) -> &'static str {
    let is_rate = metric.kind == "counter";
    if name.contains("_bytes") {
        if is_rate { "Bps" } else { "bytes" }
    } else if name.contains("start_time") {
        "dateTimeFromNow"
    } else if name.contains("_seconds") && !is_rate {
        "s"
    } else {
        "short"
    }
}

/// A dashboard with a panel for each metric, three in a row.
fn dashboard(metrics: &BTreeMap<String, Metric>) -> Value {
    let source = json!({"type": "prometheus", "uid": "${source}"});
    let panel = |(number, (name, metric)): (usize, (&String, &Metric))| {
        let targets: Vec<_> = questions(name, metric)
            .into_iter()
            .zip('A'..)
            .map(|((expr, legend), id)| {
                json!({"datasource": source, "expr": expr, "legendFormat": legend, "refId": id})
            })
            .collect();
        // Below what the title says, what is drawn: of a counter its growth, of a histogram two quantiles.
        let drawn = match metric.kind.as_str() {
            "counter" => " A second.",
            "histogram" => " The median, and what 99 of 100 stay below.",
            _ => "",
        };
        json!({
            "id": number + 1,
            "type": "timeseries",
            "title": name,
            "description": format!("{}{drawn}", metric.help),
            "datasource": source,
            "fieldConfig": {"defaults": {"unit": unit(name, metric)}, "overrides": []},
            "gridPos": {"h": 8, "w": 8, "x": number % 3 * 8, "y": number / 3 * 8},
            "targets": targets,
        })
    };
    let panels: Vec<_> = metrics.iter().enumerate().map(panel).collect();
    json!({
        "title": "Package index",
        "uid": "package-indexer",
        "tags": ["package-indexer"],
        "schemaVersion": 39,
        "editable": true,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [{"name": "source", "type": "datasource", "query": "prometheus"}]},
        "panels": panels,
    })
}

#[test]
#[cfg(target_os = "linux")]
fn the_dashboard_has_every_metric_and_no_other() {
    let metrics = metrics();
    assert!(metrics.len() > 30, "only {} were found", metrics.len());
    let text = serde_json::to_string_pretty(&dashboard(&metrics)).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        fs::write(format!("{FOLDER}/grafana.json"), &text).unwrap();
    }
    let advice = "UPDATE=1 cargo test --test program dashboard writes it again";
    assert!(read("grafana.json") == text, "deploy/grafana.json is not of these metrics: {advice}");
}

#[test]
#[cfg(target_os = "linux")]
fn alerts_watch_metrics_that_there_are() {
    let (metrics, rules) = (metrics(), read("alerts.yml"));
    let mut watched = BTreeSet::new();
    for expression in rules.lines().filter_map(|line| line.trim().strip_prefix("expr: ")) {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let words = expression.split(|c| !is_part(c));
        watched.extend(words.filter(|it| it.starts_with("indexer_") || it.starts_with("process_")));
    }
    assert!(watched.len() > 6, "{watched:?}");
    for name in watched {
        assert!(metrics.contains_key(name), "{name} is watched, and there is no such metric");
    }
}

#[test]
fn prometheus_takes_the_alerts_and_raises_them() {
    let Some(promtool) = PROMTOOL.needed_by("alerts checked by Prometheus") else { return };
    for arguments in [
        ["check", "rules", "alerts.yml"],
        ["check", "config", "prometheus.yml"],
        ["test", "rules", "alerts_test.yml"],
    ] {
        let checked = Command::new(promtool).args(arguments).current_dir(FOLDER).output().unwrap();
        assert!(checked.status.success(), "{arguments:?}: {checked:?}");
    }
}

#[test]
fn prometheus_finds_nothing_wrong_with_the_metrics() {
    let Some(promtool) = PROMTOOL.needed_by("metrics checked by Prometheus") else { return };
    let serving = Serving::start(&["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]);
    let response = serving.get("/metrics");
    let (_, page) = response.split_once("\r\n\r\n").unwrap();
    let mut check = Command::new(promtool);
    let mut check = check
        .args(["check", "metrics"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut check.stdin.take().unwrap(), page.as_bytes()).unwrap();
    let checked = Finished::from(check.wait_with_output().unwrap());
    assert_eq!((checked.code, checked.stderr.as_str()), (Some(0), ""), "{checked:?}");
}

#[test]
#[cfg(unix)]
fn the_unit_starts_the_program_with_options_that_it_has() {
    let unit = read("indexer.service");
    let mut program = indexer(&[]);
    let variables = unit.lines().filter_map(|line| line.strip_prefix("Environment="));
    program.envs(variables.map(|it| it.split_once('=').unwrap()));
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let arguments = start.split(' ').skip(1).map(|it| it.replace("${STATE_DIRECTORY}", "."));
    let checked = Finished::from(program.args(arguments).arg("--check-config").output().unwrap());
    assert_eq!(checked.code, Some(0), "{checked:?}");
    // The manager waits for as long as a server may take to stop.
    let seconds = |name: &str, text: &str| -> u64 {
        let value = text.lines().find_map(|line| line.trim().strip_prefix(name));
        value.and_then(|it| it.split(' ').next()).and_then(|it| it.parse().ok()).unwrap()
    };
    let grace = seconds("shutdown-grace: ", &checked.stdout);
    assert!(seconds("TimeoutStopSec=", &unit) > 2 * grace, "{grace}");
}

#[test]
fn containers_are_given_options_that_there_are() {
    let file = read("compose.yaml");
    let help = run(&["serve", "--help"], b"").stdout;
    let mut set = BTreeSet::new();
    for line in file.lines().map(str::trim) {
        let Some((name, value)) = line.split_once(": ") else { continue };
        if !name.starts_with("INDEXER_") {
            continue;
        }
        set.insert(name);
        // Those of replicas are there in a build with the feature alone.
        if name != "INDEXER_REPLICATE" || cfg!(feature = "etcd") {
            assert!(help.contains(&format!("[env: {name}]")), "{name}: {value}");
        }
    }
    assert!(set.len() >= 4 && set.contains("INDEXER_REPLICATE"), "{set:?}");
    let replicas = file.lines().filter(|line| line.trim() == "<<: *replica").count();
    assert_eq!(replicas, 3);
}
