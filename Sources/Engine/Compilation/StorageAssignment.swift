/// Decides for each value whether it has memory of its own, shares that of an input (identities, in-place kernels), lies in a
/// store, or is channels of a wider value: what a concatenation reads is made in its place there, and a slice is a view. Then
/// plans the arena.
struct StorageAssignment {
    private enum Storage: Equatable {
        case item(Int)
        /// Channels from `start` of an item's pixels, which are `pitch` floats apart.
        case slice(item: Int, start: Int, pitch: Int)
        case pinned(Program.Region, Int)
    }

    private let graph: Graph
    private let shapes: [Shape]
    private var storage: [Int: Storage] = [:]
    private var items: [MemoryPlan.Item] = []
    /// Items that a value sees a part of: nothing overwrites them in place.
    private var viewed: Set<Int> = []
    /// For a value that a concatenation reads first: the concatenation's output and the first channel there.
    private var placesInConcatenations: [Int: (whole: ValueID, start: Int)] = [:]
    /// Values that are read or written as dense memory by somebody.
    private var dense: Set<Int> = []
    private let slices: Bool
    private let strips: StripPlan?

    /// Copies that concatenations and slices were spared.
    private(set) var sparedCopies = 0

    /// - Parameters:
    ///   - order: the nodes in the order in which they run.
    ///   - kept: values that others read as dense memory: outputs, updates, gradients.
    ///   - slices: whether a value may be channels of another.
    ///   - strips: which values have memory of a strip only.
    init(graph: Graph, shapes: [Shape], order: [Int], kept: [ValueID], slices: Bool, strips: StripPlan?) {
        self.graph = graph
        self.shapes = shapes
        self.slices = slices
        self.strips = strips
        guard slices else { return }
        dense = Set(kept.map(\.index))
        for node in graph.nodes where !node.operation.takesSlices {
            for value in node.inputs + node.outputs { dense.insert(value.index) }
        }
        let made = Set(order.flatMap { graph.nodes[$0].outputs.map(\.index) })
        for number in order {
            guard let concatenation = graph.nodes[number].operation as? Concatenation else { continue }
            let whole = graph.nodes[number].outputs[0]
            // Slices of slices would need one item for both.
            guard placesInConcatenations[whole.index] == nil else { continue }
            var start = 0
            for (input, channels) in zip(graph.nodes[number].inputs, concatenation.channels) {
                if isSliceable(input, made) { placesInConcatenations[input.index] = (whole, start) }
                start += channels
            }
        }
    }

    /// Whether a concatenation may have this value made in its place.
    private func isSliceable(_ value: ValueID, _ made: Set<Int>) -> Bool {
        guard made.contains(value.index), !dense.contains(value.index), placesInConcatenations[value.index] == nil,
            case .node(let number, _) = graph.values[value.index]
        else { return false }
        let node = graph.nodes[number]
        return !(node.operation is Concatenation) && !(node.operation is ChannelSlice) && strips?.heldPixels(of: value.index) == nil
            && !node.operation.isIdentity(node.inputs.map { shapes[$0.index] })
    }

    private func size(_ value: ValueID) -> Int {
        let shape = shapes[value.index]
        let count = strips?.heldPixels(of: value.index).map { $0 * shape.channels } ?? shape.count
        return (max(1, count) + 15) / 16 * 16
    }

    /// Puts a value into a store. The first pin of a value holds.
    mutating func pin(_ value: ValueID, region: Program.Region, offset: Int) {
        if storage[value.index] == nil { storage[value.index] = .pinned(region, offset) }
    }

    /// Gives a value memory of its own for this life.
    mutating func reserve(_ value: ValueID, at first: Int, until last: Int) {
        storage[value.index] = .item(items.count)
        items.append(MemoryPlan.Item(count: size(value), first: first, last: last))
    }

    /// Places the outputs of the node that runs at `position`, of whole maps from `first` on.
    mutating func place(_ node: Graph.Node, at position: Int, from first: Int, lastUse: [Int]) {
        let inputShapes = node.inputs.map { shapes[$0.index] }
        for (number, output) in node.outputs.enumerated() {
            let last = max(position, lastUse[output.index])
            if case .item(let item) = storage[output.index], node.operation is Concatenation {
                items[item].last = max(items[item].last, last)
                continue
            }
            guard storage[output.index] == nil else { continue }
            let isHeldInStrips = strips?.heldPixels(of: output.index) != nil, first = isHeldInStrips ? position : first
            if let place = placesInConcatenations[output.index], placeInConcatenation(output, place, at: first, until: last) {
                continue
            }
            if slices, let slice = node.operation as? ChannelSlice, !dense.contains(output.index),
                view(output, of: node.inputs[0], start: slice.start, until: last)
            {
                continue
            }
            if number == 0, node.operation.isIdentity(inputShapes), share(node.inputs[0], until: last) {
                storage[output.index] = storage[node.inputs[0].index]
                continue
            }
            if number == 0, let input = node.operation.inPlaceInput.map({ node.inputs[$0] }),
                case .item(let item) = storage[input.index], items[item].last == position, !viewed.contains(item),
                !node.inputs.enumerated().contains(where: { $0.offset != node.operation.inPlaceInput && $0.element == input }),
                shapes[input.index].count == shapes[output.index].count,
                (strips?.heldPixels(of: input.index) != nil) == isHeldInStrips
            {
                items[item].last = last
                storage[output.index] = .item(item)
                continue
            }
            reserve(output, at: first, until: last)
        }
    }

    /// Puts a value where the concatenation will have it. False where the concatenation lies in a store.
    private mutating func placeInConcatenation(
        _ value: ValueID, _ place: (whole: ValueID, start: Int), at first: Int, until last: Int
    ) -> Bool {
        if storage[place.whole.index] == nil { reserve(place.whole, at: first, until: last) }
        return view(value, of: place.whole, start: place.start, until: last)
    }

    /// Makes a value channels from `start` of another. False where that lies in a store.
    private mutating func view(_ value: ValueID, of whole: ValueID, start: Int, until last: Int) -> Bool {
        let item: Int, storage: Storage
        switch self.storage[whole.index] {
        case .item(let number): (item, storage) = (number, .slice(item: number, start: start, pitch: shapes[whole.index].channels))
        case .slice(let number, let offset, let pitch):
            (item, storage) = (number, .slice(item: number, start: offset + start, pitch: pitch))
        default: return false
        }
        self.storage[value.index] = storage
        items[item].last = max(items[item].last, last)
        viewed.insert(item)
        sparedCopies += 1
        return true
    }

    /// Prolongs the life of an input that an identity hands on. False where the input lies in a store.
    private mutating func share(_ input: ValueID, until last: Int) -> Bool {
        guard case .item(let item) = storage[input.index] else { return false }
        items[item].last = max(items[item].last, last)
        return true
    }

    struct Plan {
        var arenaCount: Int
        fileprivate var places: [Int: Program.Place]

        func place(of value: ValueID) -> Program.Place { places[value.index]! }
    }

    func plan() -> Plan {
        let memory = MemoryPlan(items)
        var places: [Int: Program.Place] = [:]
        for (index, storage) in storage {
            let shape = shapes[index]
            let pitch = shape.rank > 0 ? shape.channels : 1
            switch storage {
            case .slice(let item, let start, let pitch):
                places[index] = .init(region: .arena, offset: memory.offsets[item] + start, shape: shape, pitch: pitch)
            case .item(let item): places[index] = .init(region: .arena, offset: memory.offsets[item], shape: shape, pitch: pitch)
            case .pinned(let region, let offset): places[index] = .init(region: region, offset: offset, shape: shape, pitch: pitch)
            }
        }
        return Plan(arenaCount: memory.total, places: places)
    }
}
