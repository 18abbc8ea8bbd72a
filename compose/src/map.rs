//! `map FILE`: a picture of what a workspace knows. Concepts are circles, coloured by the cluster in which they occur
//! most; a line joins two that occur together.

use crate::config::Map;
use crate::request::send;
use crate::say;
use crate::session::{self, Session};
use anyhow::Context;
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::ExitCode;
use uuid::Uuid;

const WIDTH: f64 = 1_400.0;
const HEIGHT: f64 = 900.0;
/// Where the list of clusters begins.
const LEGEND: f64 = 1_030.0;
const MARGIN: f64 = 60.0;
/// Of what stands in no cluster that is listed.
const GREY: &str = "#9aa0a6";
/// Colours that differ in lightness too (after Okabe & Ito 2008, and darker ones of the same hues).
const COLOURS: [&str; 14] = [
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#8c6d1f", "#5b3a8c", "#2f6f4f", "#a23b2a",
    "#3d5a98", "#b0892b", "#7a4f6d", "#4a7c8c",
];

#[derive(Deserialize)]
struct Clusters {
    clusters: Vec<Cluster>,
    unclustered: u64,
}

#[derive(Deserialize)]
struct Cluster {
    id: Uuid,
    name: String,
    documents: u64,
    top_concepts: Vec<Top>,
}

#[derive(Deserialize)]
struct Top {
    name: String,
}

#[derive(Deserialize)]
struct Graph {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
}

#[derive(Deserialize)]
struct Node {
    concept: String,
    name: String,
    documents: u64,
    #[serde(default)]
    cluster: Option<Uuid>,
    x: f64,
    y: f64,
}

#[derive(Deserialize)]
struct Edge {
    source: String,
    target: String,
    weight: f64,
}

/// Asks the query-service, and writes the picture.
pub(crate) async fn run(config: Map) -> anyhow::Result<ExitCode> {
    let session = Session::log_in(&config.access.command_url()?, &config.access).await?;
    let query_url = config.query_url()?;
    let query = session::checked(&query_url)?;
    let clusters: Clusters = get(&session, query, &format!("/v1/clusters?limit={}", config.clusters)).await?;
    let edges = u32::from(config.concepts) * 5 / 2;
    let graph = format!("/v1/concepts/graph?nodes={}&edges={edges}", config.concepts);
    let graph: Graph = get(&session, query, &graph).await?;
    anyhow::ensure!(!graph.nodes.is_empty(), "this workspace has no concepts yet; upload something first");
    std::fs::write(&config.file, draw(&clusters, &graph))
        .with_context(|| format!("cannot write {}", config.file.display()))?;
    say::result(format_args!(
        "{}: {} concepts, {} clusters",
        config.file.display(),
        graph.nodes.len(),
        clusters.clusters.len()
    ));
    Ok(ExitCode::SUCCESS)
}

async fn get<T: DeserializeOwned>(session: &Session, query: &str, path: &str) -> anyhow::Result<T> {
    Ok(send(session.request_at(query, Method::GET, path)).await?.json().await?)
}

fn draw(clusters: &Clusters, graph: &Graph) -> String {
    let colours: BTreeMap<Uuid, &str> =
        clusters.clusters.iter().zip(COLOURS.iter().cycle()).map(|(cluster, colour)| (cluster.id, *colour)).collect();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    draw_edges(&mut svg, graph);
    draw_nodes(&mut svg, graph, &colours);
    draw_legend(&mut svg, clusters, &colours);
    svg.push_str("</svg>\n");
    svg
}

fn place(node: &Node) -> (f64, f64) {
    let at = |share: f64, length: f64| MARGIN + share.clamp(0.0, 1.0) * (length - 2.0 * MARGIN);
    (at(node.x, LEGEND), at(node.y, HEIGHT))
}

fn draw_edges(svg: &mut String, graph: &Graph) {
    let places: BTreeMap<&str, (f64, f64)> =
        graph.nodes.iter().map(|node| (node.concept.as_str(), place(node))).collect();
    for edge in &graph.edges {
        let (Some((x1, y1)), Some((x2, y2))) = (places.get(edge.source.as_str()), places.get(edge.target.as_str()))
        else {
            continue;
        };
        let opacity = 0.12 + 0.4 * edge.weight.clamp(0.0, 1.0);
        line(
            svg,
            format_args!(
                "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"#3c4043\" \
                 stroke-opacity=\"{opacity:.2}\"/>"
            ),
        );
    }
}

fn draw_nodes(svg: &mut String, graph: &Graph, colours: &BTreeMap<Uuid, &str>) {
    let most = graph.nodes.iter().map(|node| node.documents).max().unwrap_or(1).max(1) as f64;
    for node in &graph.nodes {
        let (x, y) = place(node);
        let share = (node.documents as f64 / most).sqrt();
        let (radius, size) = (4.0 + 16.0 * share, 10.0 + 6.0 * share);
        let colour = node.cluster.and_then(|cluster| colours.get(&cluster)).copied().unwrap_or(GREY);
        let name = escaped(&node.name);
        line(
            svg,
            format_args!(
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" fill=\"{colour}\" fill-opacity=\"0.85\">\
                 <title>{name}: {} documents</title></circle>\n\
                 <text x=\"{x:.1}\" y=\"{:.1}\" font-size=\"{size:.1}\" text-anchor=\"middle\" fill=\"#202124\" \
                 stroke=\"#ffffff\" stroke-width=\"3\" paint-order=\"stroke\">{name}</text>",
                node.documents,
                y - radius - 3.0
            ),
        );
    }
}

fn draw_legend(svg: &mut String, clusters: &Clusters, colours: &BTreeMap<Uuid, &str>) {
    let mut y = MARGIN;
    for cluster in &clusters.clusters {
        let colour = colours.get(&cluster.id).copied().unwrap_or(GREY);
        let top: Vec<&str> = cluster.top_concepts.iter().take(4).map(|top| top.name.as_str()).collect();
        line(
            svg,
            format_args!(
                "<rect x=\"{LEGEND}\" y=\"{:.1}\" width=\"12\" height=\"12\" rx=\"2\" fill=\"{colour}\"/>\n\
                 <text x=\"{:.1}\" y=\"{y:.1}\" font-size=\"14\" font-weight=\"bold\" fill=\"#202124\">{} ({})</text>\n\
                 <text x=\"{:.1}\" y=\"{:.1}\" font-size=\"11\" fill=\"#5f6368\">{}</text>",
                y - 11.0,
                LEGEND + 20.0,
                escaped(&cut(&cluster.name, 42)),
                cluster.documents,
                LEGEND + 20.0,
                y + 16.0,
                escaped(&cut(&top.join(", "), 62)),
            ),
        );
        y += 50.0;
    }
    line(
        svg,
        format_args!(
            "<text x=\"{:.1}\" y=\"{y:.1}\" font-size=\"12\" fill=\"#5f6368\">in no cluster: {}</text>",
            LEGEND + 20.0,
            clusters.unclustered
        ),
    );
}

fn line(svg: &mut String, shape: std::fmt::Arguments<'_>) {
    writeln!(svg, "{shape}").expect("a String takes every write");
}

fn cut(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    text.chars().take(chars - 1).chain(['…']).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
