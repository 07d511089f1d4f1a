/// Columns aligned by their content, for a terminal; no line break at the end.
package struct TextTable {
    package let text: String

    /// - Parameter ruled: dashes between the header and the rows.
    package init(_ header: [String], _ rows: [[String]], leftAligned: Set<Int> = [], ruled: Bool = true) {
        let all = [header] + rows
        let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        func line(_ cells: [String]) -> String {
            cells.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return leftAligned.contains(column) ? cell + space : space + cell
            }.joined(separator: "  ")
        }
        let rule = ruled ? [widths.map { String(repeating: "-", count: $0) }.joined(separator: "  ")] : []
        text = ([line(header)] + rule + rows.map(line)).joined(separator: "\n")
    }
}
