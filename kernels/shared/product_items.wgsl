// The items of overlap_products_count and overlap_products: a cell of the first grid and a row of the other one that its row
// meets, cell by cell.

struct Parameters {
    width: u32,
    // Items.
    n: u32,
    // Rows of the first grid that take part, and cells of a row of the first grid and of the other.
    rows: u32,
    columns: u32,
    other_columns: u32,
    // Number of the first cell that takes part.
    first_cell: u32,
    // Place of the other grid's flags.
    others: u32,
}
var<immediate> p: Parameters;

// First item of each row that takes part and its first link of latitudes; then the ends of both.
@group(0) @binding(0) var<storage, read> rows: array<u32>;
@group(0) @binding(1) var<storage, read> lat_others: array<u32>;
// First link of each column, and the number of all.
@group(0) @binding(2) var<storage, read> lon_starts: array<u32>;
@group(0) @binding(3) var<storage, read> lon_others: array<u32>;
// Cells that take part: bits of the first grid's, and then of the other's.
@group(0) @binding(4) var<storage, read> flags: array<u32>;

struct Item {
    // Number of the cell, its column, the link of latitudes, and the first cell of the other grid's row.
    cell: u32,
    column: u32,
    lat: u32,
    other: u32,
}

fn item_of(i: u32) -> Item {
    var low = 0u;
    var high = p.rows;
    while high - low > 1u {
        let middle = (low + high) / 2u;
        if rows[2u * middle] <= i { low = middle; } else { high = middle; }
    }
    let within = i - rows[2u * low];
    let lats = rows[2u * low + 3u] - rows[2u * low + 1u];
    let column = within / lats;
    let lat = rows[2u * low + 1u] + within % lats;
    return Item(p.first_cell + low * p.columns + column, column, lat, lat_others[lat] * p.other_columns);
}

fn takes_part(first: u32, cell: u32) -> bool {
    return (flags[first + cell / 32u] >> (cell % 32u) & 1u) == 1u;
}
