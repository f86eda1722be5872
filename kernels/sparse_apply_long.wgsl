// sparse_apply for one lane and long rows: a row a subgroup.

// An item is a row; a workgroup does as many as it has subgroups.
@compute @workgroup_size(64)
fn long_rows(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
    @builtin(subgroup_invocation_id) lane: u32,
    @builtin(subgroup_size) lanes: u32,
) {
    let row = (group.y * (p.width / 64u) + group.x) * subgroups + subgroup;
    var first = 0u;
    var end = 0u;
    if row < p.n {
        first = row_starts[row] & 0x7fffffffu;
        end = row_starts[row + 1u] & 0x7fffffffu;
    }
    var sums = no_links();
    for (var k = first + lane; k < end; k += lanes) {
        add_link(&sums, weights[k], columns[k]);
    }
    // A lane without a valid link has no extremes: it takes those of one that has.
    let any = subgroupMax(select(0u, lane + 1u, sums.links > 0u));
    let giver = max(any, 1u) - 1u;
    let least = subgroupShuffle(sums.least, giver);
    let greatest = subgroupShuffle(sums.greatest, giver);
    sums.least = subgroupMin(select(least, sums.least, sums.links > 0u));
    sums.greatest = subgroupMax(select(greatest, sums.greatest, sums.links > 0u));
    sums.sum = subgroupAdd(sums.sum);
    sums.share = subgroupAdd(sums.share);
    sums.magnitude = subgroupAdd(sums.magnitude);
    sums.total = subgroupAdd(sums.total);
    sums.total_magnitude = subgroupAdd(sums.total_magnitude);
    sums.links = subgroupAdd(sums.links);
    if row < p.n && lane == 0u { finish(row, sums, end - first); }
}
