//! Hair and clothes as distance fields; the hair in the head's frame, the clothes in the world's.

use super::head::Part;
use super::look::{Glasses, Look};
use super::math::*;

/// Lowest point of the hair over a depth: temples, sideburns, behind the ears, nape.
pub fn hairline(m: Vec3, shift: f32) -> f32 {
    let front = mix(7.1, 5.4, smoothstep(1.5, 5.6, m.x)) + shift;
    let temple = mix(1.6, front, smoothstep(3.6, 6.6, m.z));
    let sideburn = mix(-1.4, temple, smoothstep(1.8, 4.8, m.z));
    let over_ear = mix(1.6, sideburn, smoothstep(-0.2, 1.4, m.z));
    mix(-6.5, over_ear, smoothstep(-5.0, -2.2, m.z))
}

/// Coordinates in which strands of hair run along `z`.
pub fn strand_space(p: Vec3) -> Vec3 {
    let sweep = 0.16 * p.z;
    let across = p.x.atan2(p.y + 3.0) + 0.05 * noise(p * 0.35) + 0.03 * sweep;
    v3(across * 9.0, (p.length() - 10.0) * 1.5, p.z * 0.35 + 0.25 * p.y)
}

/// Distance to the hair; where that is more than `nearer`, only that it is.
pub fn hair(p: Vec3, look: &Look, nearer: f32) -> f32 {
    let m = p.mirrored();
    let rough = sphere(p, v3(0.0, 3.0, -1.0), 12.5);
    if rough > 1.5 || rough > nearer {
        return rough;
    }
    let v = look.hair_volume;
    let cap = ellipsoid(p, v3(0.0, 3.2, -1.2), v3(7.62, 8.85 + 0.3 * v, 9.75));
    let top = ellipsoid(p, v3(0.5, 8.7 + 0.6 * v, 1.9), v3(6.2, 2.4 + 0.8 * v, 5.9));
    let mut d = smin(cap, top, 2.2);
    if d < 1.0 && d * 0.75 - 0.4 < nearer {
        let s = strand_space(p);
        let locks =
            0.24 * noise(v3(s.x * 0.9, s.y * 0.3, s.z)) + 0.10 * noise(v3(s.x * 2.6, s.y * 0.5, s.z * 1.4));
        let edge = hairline(m, look.hairline) + 0.35 * noise(v3(s.x * 1.3, 0.0, s.z)) - m.y;
        d = smax(d + locks * (0.5 + v), edge * 0.55, 1.1) * 0.75;
    }
    d
}

/// Distance to the rims, the bridge and the temples of glasses.
pub fn frame(p: Vec3, g: &Glasses) -> f32 {
    let m = p.mirrored();
    let reach = ellipsoid(m, v3(3.2, -0.3, 5.0), v3(5.2, 3.2, 6.6));
    if reach > 1.0 {
        return reach;
    }
    let q = v3(m.x - 3.35, m.y + 0.35, m.z - 10.1 + 0.055 * m.x * m.x);
    let corner = g.corner.min(g.height).min(g.width);
    let (x, y) = ((q.x.abs() - g.width + corner).max(0.0), (q.y.abs() - g.height + corner).max(0.0));
    let edge = x.hypot(y) - corner;
    let rim = edge.abs().hypot(q.z * 0.8) - g.rim;
    let inner = 3.35 - g.width;
    let bridge = cone(m, v3(0.0, 0.45, 10.25), 0.1, v3(inner, 0.25, 10.05), 0.1);
    let hinge = v3(3.35 + g.width, 0.3, 10.1 - 0.055 * (3.35 + g.width) * (3.35 + g.width));
    let temple = cone(m, hinge, g.rim.max(0.1), v3(7.7, 0.5, -0.5), 0.12);
    rim.min(bridge).min(temple) * 0.9
}

/// Jacket over a round-necked shirt.
pub fn clothes(p: Vec3) -> (f32, Part) {
    let reach = p.y + 11.0;
    if reach > 3.0 {
        return (reach, Part::Jacket);
    }
    let m = p.mirrored();
    let shoulders = cone(m, v3(2.0, -20.4, -4.5), 4.6, v3(17.0, -25.0, -5.0), 4.9);
    let chest = ellipsoid(p, v3(0.0, -36.0, -3.5), v3(16.5, 17.0, 10.0));
    let arm = cone(m, v3(18.0, -25.5, -5.0), 4.9, v3(21.0, -46.0, -4.0), 5.2);
    let trapezius = cone(m, v3(3.4, -15.2, -6.5), 2.2, v3(13.0, -22.4, -6.0), 2.6);
    let body = smin(smin(smin(shoulders, chest, 5.0), arm, 2.0), trapezius, 4.0);

    let collar_tilt = v3(p.x, p.y + 18.0 - 0.36 * (-p.z - 3.0), p.z + 4.0);
    let ring =
        ((v3(collar_tilt.x, 0.0, collar_tilt.z * 1.05).length() - 5.75).abs().hypot(collar_tilt.y * 0.55))
            - 0.55;
    let shirt = smin(body + 0.15, ring, 0.7);

    // The jacket lies over the shirt and leaves a V open; its lapels are folded back along the V.
    let v_edge = (0.27 * (p.y + 43.0)).max(0.3);
    let inside_v = m.x - v_edge;
    // Broad at the breast, a notch where the collar begins, narrow towards the button and round the neck.
    let slant = p.y + 0.35 * inside_v;
    let breast = 5.2 * smoothstep(-44.0, -25.0, slant) * smoothstep(-24.2, -24.8, slant);
    let collar = 3.4 * smoothstep(-24.6, -23.8, slant);
    let lapel_width = breast.max(collar);
    let lapel = 0.38 * smoothstep(lapel_width + 0.10, lapel_width - 0.10, inside_v);
    let crumple = if body < 2.0 { 0.12 * noise(p * 0.22) + 0.05 * noise(p * 0.6) } else { 0.0 };
    let jacket = smax(body - 0.55 - lapel + crumple, -inside_v * 0.7, 0.25);
    let (d, part) = if jacket < shirt { (jacket, Part::Jacket) } else { (shirt, Part::Shirt) };
    (d * 0.8, part)
}
