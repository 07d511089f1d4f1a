import Documents

extension Point {
    /// `{"point":0,"threshold":null,"metrics":{...}}`, metrics sorted by name.
    package var document: Document {
        .object([
            ("point", .int(point)), ("threshold", threshold.map(Document.float) ?? .null),
            ("metrics", .object(metrics.sorted { $0.key < $1.key }.map { ($0.key, .float($0.value)) })),
        ])
    }

    /// Reads what `document` writes; metrics must be finite numbers. Unknown fields are ignored: a newer worker may say more.
    package init(_ document: Document) throws {
        self.init(
            point: try document.required("point").int("point", in: 0...Int(Int32.max)),
            threshold: try document.optional("threshold")?.double("threshold"),
            metrics: try Self.metrics(document.required("metrics")))
    }

    static func metrics(_ document: Document) throws -> [String: Double] {
        var metrics: [String: Double] = [:]
        for field in try document.fields("metrics") { metrics[field.key] = try field.value.double(field.key) }
        return metrics
    }
}
