import Documents

/// The training loss, averaged over windows of steps that depend on the recipe alone, so that an interrupted training
/// tells the same curve.
package struct LearningCurve: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        /// The last step of the window.
        package var step: Int
        package var loss: Double
    }

    package private(set) var entries: [Entry] = []
    package let window: Int
    private var sum = 0.0
    private var count = 0

    /// About `parts` windows over the whole training.
    package init(steps: Int, parts: Int = 20) { window = max(1, steps / parts) }

    /// Adds a step's loss; returns the window's entry when it ends here.
    package mutating func add(step: Int, loss: Double) -> Entry? {
        sum += loss
        count += 1
        guard step % window == 0 else { return nil }
        let entry = Entry(step: step, loss: sum / Double(count))
        entries.append(entry)
        (sum, count) = (0, 0)
        return entry
    }

    /// The average loss of the open window, or of the last one that ended.
    package var latest: Double? { count > 0 ? sum / Double(count) : entries.last?.loss }

    var document: Document {
        .object([
            ("window", .int(window)), ("sum", .float(sum)), ("count", .int(count)),
            ("entries", .array(entries.map { [.int($0.step), .float($0.loss)] })),
        ])
    }

    init(_ document: Document) throws {
        window = try document.required("window").int("window", in: 1...Int.max)
        sum = try document.required("sum").double("sum")
        count = try document.required("count").int("count", in: 0...Int.max)
        entries = try document.required("entries").array("entries").map {
            let pair = try $0.array("an entry")
            guard pair.count == 2 else { throw $0.fail("expected [step, loss]") }
            return Entry(step: try pair[0].int("step"), loss: try pair[1].double("loss"))
        }
    }
}
