import Documents
import RandomStreams

/// A setting of a noise model: a number, or `[lowest, highest]` of which each picture draws one uniformly.
package struct NoiseRange: Sendable, Equatable {
    package let bounds: ClosedRange<Double>

    package init(_ bounds: ClosedRange<Double>) { self.bounds = bounds }

    package init(_ value: Double) { bounds = value...value }

    /// Reads the value of the key `what`; both ends must lie in `allowed`.
    package init(parsing document: Document, _ what: String, in allowed: ClosedRange<Double>) throws {
        guard case .array(let ends) = document.value else {
            self.init(try document.double(what, in: allowed))
            return
        }
        guard ends.count == 2 else {
            throw document.fail("\(what): expected a number or [lowest, highest], found a list of \(ends.count)")
        }
        let low = try ends[0].double(what, in: allowed), high = try ends[1].double(what, in: allowed)
        guard low <= high else {
            throw document.fail("\(what): the lowest level \(low) is above the highest \(high)", hint: "write [\(high), \(low)]")
        }
        self.init(low...high)
    }

    package var document: Document { [.float(bounds.lowerBound), .float(bounds.upperBound)] }

    /// A range of one value draws nothing from the stream.
    package func draw(_ stream: inout RandomStream) -> Double {
        bounds.lowerBound == bounds.upperBound ? bounds.lowerBound : stream.uniform(bounds.lowerBound, bounds.upperBound)
    }
}
