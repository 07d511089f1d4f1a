import Documents
import RandomStreams

/// White Gaussian noise: `sigma: 25`, or `sigma: [0, 55]` for a level drawn uniformly for each picture (0...255 scale).
package struct GaussianNoise: NoiseModel {
    package static let word = "gaussian"
    package static let keys = ["sigma"]

    package let sigmas: ClosedRange<Double>

    package init(sigma: Double) { sigmas = sigma...sigma }

    package init(sigmas: ClosedRange<Double>) { self.sigmas = sigmas }

    package init(parsing document: Document) throws {
        let sigma = try document.required("sigma")
        guard case .array(let ends) = sigma.value else {
            let level = try sigma.double("sigma", in: 0...255)
            sigmas = level...level
            return
        }
        guard ends.count == 2 else {
            throw sigma.fail("sigma: expected a number or [lowest, highest], found a list of \(ends.count)")
        }
        let low = try ends[0].double("sigma", in: 0...255), high = try ends[1].double("sigma", in: 0...255)
        guard low <= high else { throw sigma.fail("sigma: the lowest level \(low) is above the highest \(high)", hint: "write [\(high), \(low)]") }
        sigmas = low...high
    }

    package var document: Document {
        ["kind": .string(Self.word), "sigma": [.float(sigmas.lowerBound), .float(sigmas.upperBound)]]
    }

    package func apply(
        to clean: UnsafeBufferPointer<Float>, into noisy: UnsafeMutableBufferPointer<Float>, stream: inout RandomStream
    ) -> Float {
        precondition(clean.count == noisy.count, "equal sizes")
        let sigma = Float(sigmas.lowerBound == sigmas.upperBound
            ? sigmas.lowerBound : stream.uniform(sigmas.lowerBound, sigmas.upperBound))
        let scale: Float = sigma / 255
        // Through a small piece of scratch, since the buffers may be the same.
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 1024) { normals in
            var done = 0
            while done < clean.count {
                let count = min(1024, clean.count - done)
                fillNormal(UnsafeMutableBufferPointer(rebasing: normals[..<count]), from: &stream)
                for i in 0..<count { noisy[done + i] = clean[done + i] + scale * normals[i] }
                done += count
            }
        }
        return sigma
    }
}
