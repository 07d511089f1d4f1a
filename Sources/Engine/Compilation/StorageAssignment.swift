/// Decides for each value whether it has memory of its own, shares that of an input (identities, in-place kernels), or
/// lies in a store; then plans the arena.
struct StorageAssignment {
    private enum Storage {
        case item(Int)
        case pinned(Program.Region, Int)
    }

    private let graph: Graph
    private let shapes: [Shape]
    private var storage: [Int: Storage] = [:]
    private var items: [MemoryPlan.Item] = []

    init(graph: Graph, shapes: [Shape]) {
        self.graph = graph
        self.shapes = shapes
    }

    private func size(_ value: ValueID) -> Int { (max(1, shapes[value.index].count) + 15) / 16 * 16 }

    /// Puts a value into a store. The first pin of a value holds.
    mutating func pin(_ value: ValueID, region: Program.Region, offset: Int) {
        if storage[value.index] == nil { storage[value.index] = .pinned(region, offset) }
    }

    /// Gives a value memory of its own for this life.
    mutating func reserve(_ value: ValueID, at first: Int, until last: Int) {
        storage[value.index] = .item(items.count)
        items.append(MemoryPlan.Item(count: size(value), first: first, last: last))
    }

    /// Places the outputs of the node that runs at `position`.
    mutating func place(_ node: Graph.Node, at position: Int, lastUse: [Int]) {
        let inputShapes = node.inputs.map { shapes[$0.index] }
        for (number, output) in node.outputs.enumerated() where storage[output.index] == nil {
            let last = max(position, lastUse[output.index])
            if number == 0, node.operation.isIdentity(inputShapes), share(node.inputs[0], until: last) {
                storage[output.index] = storage[node.inputs[0].index]
                continue
            }
            if number == 0, let input = node.operation.inPlaceInput.map({ node.inputs[$0] }),
                case .item(let item) = storage[input.index], items[item].last == position,
                !node.inputs.enumerated().contains(where: { $0.offset != node.operation.inPlaceInput && $0.element == input }),
                shapes[input.index].count == shapes[output.index].count
            {
                items[item].last = last
                storage[output.index] = .item(item)
                continue
            }
            reserve(output, at: position, until: last)
        }
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
            case .item(let item): places[index] = .init(region: .arena, offset: memory.offsets[item], shape: shape, pitch: pitch)
            case .pinned(let region, let offset): places[index] = .init(region: region, offset: offset, shape: shape, pitch: pitch)
            }
        }
        return Plan(arenaCount: memory.total, places: places)
    }
}
