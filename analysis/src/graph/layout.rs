//! Where nodes stand: edges draw together, nodes push apart (Fruchterman & Reingold 1991), edges of nodes that have many
//! less (as in ForceAtlas2, Jacomy et al. 2014); then each makes room for its name. Only the four operations and square
//! roots, which every machine rounds alike.

use super::Edge;

/// Rounds; the steps get shorter until the drawing stands still.
const ROUNDS: u32 = 120;
/// Width of the frame around the drawing.
const MARGIN: f32 = 0.03;
/// How strongly the middle attracts, so that parts without edges stay in sight.
const GRAVITY: f32 = 0.5;
/// Rounds in which nodes make room, the share of the frame that their names may fill together, and how much wider than
/// high a name is.
const ROOM_ROUNDS: u32 = 150;
const FILLED: f32 = 0.45;
const ASPECT: f32 = 3.0;
/// Width of the widest room.
const WIDEST: f32 = 0.17;
/// Of nearer nodes the distance is taken as this.
const NEAREST: f32 = 1e-4;

type Point = (f32, f32);

/// A place for each node, 0 to 1 in both directions; nodes of one group begin beside each other.
pub(super) fn of(groups: &[u32], edges: &[Edge]) -> Vec<(f32, f32)> {
    let mut places = seeds(groups);
    let count = places.len().max(1) as f32;
    let distance = (1.0 / count).sqrt();
    let mut degrees = vec![0_u32; places.len()];
    for edge in edges {
        degrees[edge.from] += 1;
        degrees[edge.to] += 1;
    }
    for round in 0..ROUNDS {
        let pulls = forces(&places, edges, &degrees, distance);
        let step = 0.1 * (1.0 - round as f32 / ROUNDS as f32);
        for (place, pull) in places.iter_mut().zip(pulls) {
            let length = (pull.0 * pull.0 + pull.1 * pull.1).sqrt();
            let share = if length > step { step / length } else { 1.0 };
            *place = (place.0 + pull.0 * share, place.1 + pull.1 * share);
        }
    }
    let mut places = framed(places);
    let width = (FILLED * ASPECT / count).sqrt().min(WIDEST);
    for _ in 0..ROOM_ROUNDS {
        if !make_room(&mut places, width, width / ASPECT) {
            break;
        }
    }
    framed(places)
}

/// Moves apart what stands too near, half of what is missing each and in the direction in which less is; whether anything was.
fn make_room(places: &mut [Point], width: f32, height: f32) -> bool {
    let mut is_moved = false;
    for one in 0..places.len() {
        for other in one + 1..places.len() {
            let (dx, dy) = (places[one].0 - places[other].0, places[one].1 - places[other].1);
            let (missing_x, missing_y) = (width - dx.abs(), height - dy.abs());
            if missing_x <= NEAREST || missing_y <= NEAREST {
                continue;
            }
            is_moved = true;
            let (x, y) = match missing_x / width < missing_y / height {
                true => ((missing_x / 2.0).copysign(dx), 0.0),
                false => (0.0, (missing_y / 2.0).copysign(dy)),
            };
            places[one] = (places[one].0 + x, places[one].1 + y);
            places[other] = (places[other].0 - x, places[other].1 - y);
        }
    }
    is_moved
}

/// Beginnings that are spread evenly (the R2 sequence, Roberts 2018), group after group from the left.
fn seeds(groups: &[u32]) -> Vec<Point> {
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|at| (groups[*at], *at));
    let mut places = vec![(0.5, 0.5); groups.len()];
    for (turn, at) in order.into_iter().enumerate() {
        let along = (turn as f32 + 0.5) / groups.len() as f32;
        let across = (0.5 + turn as f32 * 0.569_840_3).fract();
        places[at] = (along, across);
    }
    places
}

/// What moves each node.
fn forces(places: &[Point], edges: &[Edge], degrees: &[u32], distance: f32) -> Vec<Point> {
    let mut forces: Vec<Point> = places.iter().map(|(x, y)| ((0.5 - x) * GRAVITY, (0.5 - y) * GRAVITY)).collect();
    for one in 0..places.len() {
        let (mut x, mut y) = (0.0, 0.0);
        for other in one + 1..places.len() {
            let (dx, dy) = apart(places[one], places[other], one);
            let push = distance * distance / (dx * dx + dy * dy);
            let (px, py) = (dx * push, dy * push);
            (x, y) = (x + px, y + py);
            forces[other].0 -= px;
            forces[other].1 -= py;
        }
        forces[one].0 += x;
        forces[one].1 += y;
    }
    for edge in edges {
        let (dx, dy) = apart(places[edge.from], places[edge.to], edge.from);
        let shared = 2.0 / (degrees[edge.from].min(degrees[edge.to]) + 1) as f32;
        let pull = (dx * dx + dy * dy).sqrt() / distance * (0.25 + edge.weight) * shared;
        let (px, py) = (dx * pull, dy * pull);
        forces[edge.from].0 -= px;
        forces[edge.from].1 -= py;
        forces[edge.to].0 += px;
        forces[edge.to].1 += py;
    }
    forces
}

/// The way from the second to the first; never none, so that nodes in one place part.
fn apart(one: Point, other: Point, number: usize) -> Point {
    let (dx, dy) = (one.0 - other.0, one.1 - other.1);
    if dx * dx + dy * dy >= NEAREST * NEAREST {
        (dx, dy)
    } else if number.is_multiple_of(2) {
        (NEAREST, 0.0)
    } else {
        (0.0, NEAREST)
    }
}

/// Fits the drawing into its frame, as large as it can be in both directions.
fn framed(places: Vec<Point>) -> Vec<Point> {
    let range = |of: &dyn Fn(&Point) -> f32| {
        let values = || places.iter().map(of);
        (values().fold(f32::MAX, f32::min), values().fold(f32::MIN, f32::max))
    };
    let (x, y) = (range(&|place| place.0), range(&|place| place.1));
    let within = |value: f32, (least, most): (f32, f32)| {
        let width = most - least;
        let share = if width > NEAREST { (value - least) / width } else { 0.5 };
        (MARGIN + share * (1.0 - 2.0 * MARGIN)).clamp(0.0, 1.0)
    };
    places.iter().map(|place| (within(place.0, x), within(place.1, y))).collect()
}
