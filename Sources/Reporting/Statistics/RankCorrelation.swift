/// Kendall's tau-b of two samples (Kendall, "The treatment of ties in ranking problems", 1945): nil where one of them has one value only.
package func kendallTau(_ first: [Double], _ second: [Double]) -> Double? {
    precondition(first.count == second.count)
    var (agreeing, firstUntied, secondUntied) = (0.0, 0.0, 0.0)
    for i in first.indices {
        for j in 0..<i {
            let (a, b) = (sign(first[i] - first[j]), sign(second[i] - second[j]))
            agreeing += a * b
            firstUntied += a * a
            secondUntied += b * b
        }
    }
    let scale = (firstUntied * secondUntied).squareRoot()
    return scale > 0 ? agreeing / scale : nil
}

/// Spearman's rank correlation, ties with their mean rank; nil where a sample has one value only.
package func spearmanCorrelation(_ first: [Double], _ second: [Double]) -> Double? {
    correlation(meanRanks(first), meanRanks(second))
}

/// Spearman's rank correlation of two samples with a third one's part in both taken away; nil where it is not defined, as where the
/// third orders like one of them.
package func partialSpearmanCorrelation(_ first: [Double], _ second: [Double], given third: [Double]) -> Double? {
    guard let ab = spearmanCorrelation(first, second), let ac = spearmanCorrelation(first, third),
        let bc = spearmanCorrelation(second, third)
    else { return nil }
    let rest = (1 - ac * ac) * (1 - bc * bc)
    return rest > 1e-12 ? (ab - ac * bc) / rest.squareRoot() : nil
}

/// The ranks from 1, equal values with the mean of theirs.
package func meanRanks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = Array(repeating: 0.0, count: values.count)
    var begin = 0
    while begin < order.count {
        let end = order[begin...].firstIndex { values[$0] != values[order[begin]] } ?? order.count
        for place in begin..<end { ranks[order[place]] = Double(begin + 1 + end) / 2 }
        begin = end
    }
    return ranks
}

private func correlation(_ a: [Double], _ b: [Double]) -> Double? {
    guard !a.isEmpty else { return nil }
    let (meanA, meanB) = (a.reduce(0, +) / Double(a.count), b.reduce(0, +) / Double(b.count))
    var (ab, aa, bb) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
        ab += (x - meanA) * (y - meanB)
        aa += (x - meanA) * (x - meanA)
        bb += (y - meanB) * (y - meanB)
    }
    return aa > 0 && bb > 0 ? ab / (aa * bb).squareRoot() : nil
}

private func sign(_ value: Double) -> Double { value > 0 ? 1 : value < 0 ? -1 : 0 }
