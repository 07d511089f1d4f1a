/// Student's t at 97.5 %, by which a standard error becomes half a 95 % interval: exact for 1 to 4 degrees of freedom, else the expansion
/// of Abramowitz and Stegun, "Handbook of mathematical functions", 26.7.5, to 0.001.
package func studentQuantile(freedom: Double) -> Double {
    let exact = [12.7062, 4.3027, 3.1824, 2.7764]
    if freedom < 5 { return exact[max(0, Int(freedom) - 1)] }
    let z = 1.959964
    let (z3, z5, z7) = (z * z * z, z * z * z * z * z, z * z * z * z * z * z * z)
    return z + (z3 + z) / (4 * freedom) + (5 * z5 + 16 * z3 + 3 * z) / (96 * freedom * freedom)
        + (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * freedom * freedom * freedom)
}
