import CKernels
import Foundation
import RandomStreams

/// A named place in a store's flat memory. Dense: strides follow from the shape.
package struct ParameterView: Sendable, Hashable {
    package var specification: ParameterSpecification
    /// In floats, from the start of the trainable or the frozen memory; a multiple of 16.
    package var offset: Int
}

/// A network's parameters and buffers as named views on two flat memories, trainable and frozen, so that the optimizer,
/// checkpoints and copies pass over flat memory. Programs own no weights: they read a store.
package final class ParameterStore {
    package let views: [ParameterView]
    package let trainable: FloatBuffer
    package let frozen: FloatBuffer
    /// Raised at every change: derived copies (folded, reordered weights) are rebuilt when it differs from theirs.
    package private(set) var version = 1
    private let indices: [String: Int]

    package var specifications: [ParameterSpecification] { views.map(\.specification) }
    package var names: [String] { views.map(\.specification.name) }

    /// Lays out and initializes; each parameter draws from the stream split by its name, so a name starts alike in any network.
    package init(_ specifications: [ParameterSpecification], stream: RandomStream) {
        let views = Self.layout(specifications)
        self.views = views
        func size(trainable: Bool) -> Int {
            views.filter { $0.specification.trainable == trainable }.map { $0.offset + Self.padded($0.specification.shape.count) }.max() ?? 0
        }
        trainable = FloatBuffer(count: size(trainable: true))
        frozen = FloatBuffer(count: size(trainable: false))
        indices = Dictionary(uniqueKeysWithValues: views.enumerated().map { ($1.specification.name, $0) })
        for view in views {
            var stream = stream.split(view.specification.name)
            let target = UnsafeMutableBufferPointer(start: pointer(view), count: view.specification.shape.count)
            switch view.specification.initializer {
            case .constant(let value): target.update(repeating: Float(value))
            case .heNormal(let fanIn, let gain): stream.fill(target, gain: gain, deviation: (2 / Double(fanIn)).squareRoot())
            }
        }
    }

    /// Parameters and buffers of an untrained network for comparisons with other programs: as at the start of training, but
    /// what starts at a constant c is moved, c e^(n/5), or n/10 for c = 0, with n normal: a bias of 0 or a scale of 1 that a
    /// program forgot would not be noticed.
    package convenience init(forChecks specifications: [ParameterSpecification], seed: UInt64) {
        let stream = RandomStream(seed: seed).split("parameters")
        self.init(specifications, stream: stream)
        for specification in specifications {
            guard case .constant(let start) = specification.initializer else { continue }
            var stream = stream.split("checks").split(specification.name)
            let values = (0..<specification.shape.count).map { _ in
                Float(start == 0 ? stream.normal() / 10 : start * exp(stream.normal() / 5))
            }
            set(specification.name, values)
        }
    }

    /// Where each parameter lies; the same for stores, gradients and optimizer moments.
    static func layout(_ specifications: [ParameterSpecification]) -> [ParameterView] {
        var next = [true: 0, false: 0]
        return specifications.map { specification in
            defer { next[specification.trainable]! += padded(specification.shape.count) }
            return ParameterView(specification: specification, offset: next[specification.trainable]!)
        }
    }

    private static func padded(_ count: Int) -> Int { (count + 15) / 16 * 16 }

    func pointer(_ view: ParameterView) -> UnsafeMutablePointer<Float> {
        (view.specification.trainable ? trainable : frozen).pointer + view.offset
    }

    package func view(_ name: String) -> ParameterView? { indices[name].map { views[$0] } }

    package func values(of name: String) -> [Float] {
        guard let view = view(name) else { preconditionFailure("no parameter \(name)") }
        return Array(UnsafeBufferPointer(start: pointer(view), count: view.specification.shape.count))
    }

    package func set(_ name: String, _ values: [Float]) {
        guard let view = view(name) else { preconditionFailure("no parameter \(name)") }
        precondition(values.count == view.specification.shape.count)
        pointer(view).update(from: values, count: values.count)
        markChanged()
    }

    /// Says that the memory was written from outside.
    package func markChanged() { version += 1 }

    package func copy(from other: ParameterStore) {
        precondition(specifications == other.specifications)
        trainable.copy(from: other.trainable)
        frozen.copy(from: other.frozen)
        markChanged()
    }

    /// Whether every parameter and buffer is a finite number.
    package var isFinite: Bool {
        [trainable, frozen].allSatisfy { halcyon_all_finite($0.count, $0.pointer) != 0 }
    }

    package var tensors: [String: Tensor<Float>] {
        Dictionary(uniqueKeysWithValues: views.map { view in
            (view.specification.name, Tensor(view.specification.shape, values(of: view.specification.name)))
        })
    }
}

/// The gradients of a store's trainable parameters, in the same layout.
package final class GradientStore {
    package let buffer: FloatBuffer
    private let views: [String: ParameterView]

    package init(for store: ParameterStore) {
        buffer = FloatBuffer(count: store.trainable.count)
        views = Dictionary(uniqueKeysWithValues: store.views.filter(\.specification.trainable).map { ($0.specification.name, $0) })
    }

    package func values(of name: String) -> [Float] {
        guard let view = views[name] else { preconditionFailure("no gradient of \(name)") }
        return Array(UnsafeBufferPointer(start: buffer.pointer + view.offset, count: view.specification.shape.count))
    }
}
