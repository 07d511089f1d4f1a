import Documents
import RandomStreams

/// Keeps points within a space's constraints, for all that makes points: strategies never see an infeasible one.
///
/// A point that breaks a constraint is repaired by min-conflicts (Minton et al., "Minimizing conflicts: a heuristic repair method for
/// constraint satisfaction and scheduling problems", 1992): of a broken constraint the decision is changed that leaves the fewest
/// constraints broken, by as little as possible; what an edit wants is held as long as that goes. The chance in it comes from the point
/// itself, so a repaired point is a function of the point. Where that does not end it is led to a known feasible point.
struct Feasibility: Sendable {
    typealias Vector = SpacePlan.Vector

    let plan: SpacePlan
    /// A feasible point.
    private let anchor: Vector?

    /// So many steps a repair may take.
    private static let patience = 60
    /// So many values of a number with more are tried.
    private static let valueLimit = 48

    var isConstrained: Bool { !plan.constraints.isEmpty }

    /// - Throws: `InputError` at the constraints, or at the preset, when no point meets them.
    init(_ plan: SpacePlan, preset: Preset?) throws {
        self.plan = plan
        if plan.constraints.isEmpty {
            anchor = nil
            return
        }
        let search = PointSearch(plan)
        switch search.find() {
        case .found(let vector): anchor = vector
        case .nothing(let isProven): throw Self.contradiction(plan, isProven: isProven, preset: preset)
        }
    }

    init(searching plan: SpacePlan) {
        self.plan = plan
        anchor = nil
    }

    /// The constraints that cannot be met together, as few as are needed for that.
    private static func contradiction(_ plan: SpacePlan, isProven: Bool, preset: Preset?) -> InputError {
        var guilty = Set(plan.sources.indices)
        for source in plan.sources.indices where guilty.count > 1 {
            let fewer = guilty.subtracting([source])
            if case .nothing = PointSearch(plan.keeping(fewer)).find() { guilty = fewer }
        }
        let sources = guilty.sorted().map { plan.sources[$0] }
        let texts = sources.map { source in
            "\"\(source.text)\"" + (sources.count > 1 ? source.location.map { " (\($0))" } ?? "" : "")
        }
        let which = sources.count > 1 ? "the constraints \(texts.joined(separator: " and ")) together" : "the constraint \(texts[0])"
        let said = isProven ? "no architecture meets \(which)" : "no architecture was found that meets \(which)"
        if let preset { return InputError("\(said) under the preset \"\(preset.name)\"", at: preset.location, hint: "loosen one of them") }
        return InputError(said, at: sources.first?.location, hint: isProven ? "loosen it" : "loosen it, or derive a value instead of asking for equality")
    }

    /// The point itself where it is feasible, or a feasible one near it.
    /// - Parameter held: the slots that keep their value as long as that goes.
    func repaired(_ vector: Vector, holding held: [Int] = []) -> Vector {
        if plan.broken(vector) == nil { return vector }
        var stream = RandomStream(seed: Self.digest(vector))
        for held in held.isEmpty ? [[]] : [held, []] {
            if let found = attempt(vector, held, &stream) { return found }
        }
        return led(vector)
    }

    /// A feasible point by min-conflicts, or nil.
    func attempt(_ start: Vector, _ held: [Int], _ stream: inout RandomStream) -> Vector? {
        var current = start
        for step in 0..<Self.patience {
            let broken = plan.broken(in: current)
            if broken.isEmpty { return current }
            let constraint = plan.constraints[broken[stream.index(below: broken.count)]]
            guard let next = move(current, constraint, held, isBold: step > 20 && stream.flag(probability: 0.3), &stream) else { return nil }
            current = next
        }
        return plan.broken(current) == nil ? current : nil
    }

    private struct Move {
        var slot: Int
        var value: Double
        var distance: Double
        var order = 0
        var conflicts = 0
    }

    private func move(
        _ vector: Vector, _ constraint: SpacePlan.Constraint, _ held: [Int], isBold: Bool, _ stream: inout RandomStream
    ) -> Vector? {
        let slots = constraint.slots.filter { !vector[$0].isNaN && plan.decisions[$0].count != 1 && !held.contains($0) }
        var options: [Move] = []
        for slot in slots where !plan.isStructural[slot] {
            for value in values(slot, vector[slot], &stream) {
                options.append(Move(slot: slot, value: value, distance: distance(slot, vector[slot], value)))
            }
        }
        // Small changes first, equal ones from anywhere on: the first that leaves nothing broken is taken.
        if !options.isEmpty {
            let start = stream.index(below: options.count)
            for index in options.indices { options[index].order = index < start ? index + options.count : index }
        }
        options.sort { ($0.distance, $0.order) < ($1.distance, $1.order) }
        var best = isBold ? bold(options, constraint, vector, &stream) : gentle(options, constraint, vector)
        // What stands where changes only if nothing else helps.
        if best.map({ $0.conflicts > 0 }) ?? true {
            for slot in slots where plan.isStructural[slot] {
                for value in values(slot, vector[slot], &stream) {
                    let other = changed(vector, slot, value, &stream)
                    if SpacePlan.isBroken(plan.program.value(constraint.root, other)) { continue }
                    let conflicts = plan.broken(in: other).count
                    if conflicts < best?.conflicts ?? .max { best = Move(slot: slot, value: value, distance: 10, conflicts: conflicts) }
                }
            }
        }
        if let best { return changed(vector, best.slot, best.value, &stream) }
        // No single change helps: any one, that others may follow.
        guard !slots.isEmpty else { return nil }
        let slot = slots[stream.index(below: slots.count)]
        let all = values(slot, vector[slot], &stream)
        return all.isEmpty ? nil : changed(vector, slot, all[stream.index(below: all.count)], &stream)
    }

    /// The first option that breaks nothing else, or that which breaks the least.
    private func gentle(_ options: [Move], _ constraint: SpacePlan.Constraint, _ vector: Vector) -> Move? {
        var trial = vector
        return trial.withUnsafeMutableBufferPointer { trial in
            plan.program.withReader(UnsafeBufferPointer(trial)) { reader in
                var best: Move?
                for option in options {
                    let before = trial[option.slot]
                    trial[option.slot] = option.value
                    defer { trial[option.slot] = before }
                    if SpacePlan.isBroken(reader.value(constraint.root)) { continue }
                    var move = option
                    for other in plan.constraintsOf[option.slot] where SpacePlan.isBroken(reader.value(plan.roots[other])) {
                        move.conflicts += 1
                    }
                    if move.conflicts == 0 { return move }
                    if move.conflicts < best?.conflicts ?? .max { best = move }
                }
                return best
            }
        }
    }

    /// Any option that mends the constraint, whatever it breaks: a way out of dead ends.
    private func bold(
        _ options: [Move], _ constraint: SpacePlan.Constraint, _ vector: Vector, _ stream: inout RandomStream
    ) -> Move? {
        var trial = vector
        let mending = options.filter { option in
            trial[option.slot] = option.value
            defer { trial[option.slot] = vector[option.slot] }
            return !SpacePlan.isBroken(plan.program.value(constraint.root, trial))
        }
        return mending.isEmpty ? nil : mending[stream.index(below: mending.count)]
    }

    private func changed(_ vector: Vector, _ slot: Int, _ value: Double, _ stream: inout RandomStream) -> Vector {
        if !plan.isStructural[slot] {
            var next = vector
            next[slot] = value
            return next
        }
        return plan.walk { other in
            other == slot ? value : vector[other].isNaN ? plan.decisions[other].sample(using: &stream).number : vector[other]
        }
    }

    private func distance(_ slot: Int, _ old: Double, _ new: Double) -> Double {
        if plan.isChoice[slot] { return 1 }
        return abs(plan.decisions[slot].unit(old) - plan.decisions[slot].unit(new))
    }

    /// Other values of a decision: all, or of many those beside it, the ends and some by chance.
    private func values(_ slot: Int, _ old: Double, _ stream: inout RandomStream) -> [Double] {
        let decision = plan.decisions[slot]
        if let count = decision.count, count <= Self.valueLimit {
            return (0..<count).map { decision.value(at: $0).number }.filter { $0 != old }
        }
        var found: Set<Double> = [decision.number(atUnit: 0), decision.number(atUnit: 1)]
        var (below, above) = (old, old)
        for _ in 0..<8 {
            let (down, up) = (decision.beside(below), decision.beside(above))
            below = down.first ?? below
            above = up.last ?? above
            found.formUnion([below, above])
        }
        for _ in 0..<24 { found.insert(decision.sample(using: &stream).number) }
        found.remove(old)
        return found.sorted()
    }

    /// The decisions of the known feasible point where constraints touch them, and the point's own elsewhere; or the known one.
    private func led(_ vector: Vector) -> Vector {
        guard let anchor else { preconditionFailure("a space without feasible points was accepted") }
        let mixed = plan.walk { slot in
            let isFree = plan.constraintsOf[slot].isEmpty && !vector[slot].isNaN
            return isFree ? vector[slot] : anchor[slot].isNaN ? vector[slot].isNaN ? plan.decisions[slot].value(at: 0).number : vector[slot] : anchor[slot]
        }
        return plan.broken(mixed) == nil ? mixed : anchor
    }

    private static func digest(_ vector: Vector) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for (slot, value) in vector.enumerated() where !value.isNaN {
            hash = (hash ^ UInt64(slot)) &* 0x100_0000_01b3
            hash = (hash ^ value.bitPattern) &* 0x100_0000_01b3
            hash ^= hash >> 29
        }
        return hash
    }
}

extension Decision {
    /// The values next to a number.
    fileprivate func beside(_ number: Double) -> [Double] {
        adjacent(to: value(number)).map(\.number)
    }
}

extension SpacePlan {
    /// The numbers of the constraints that do not hold.
    func broken(in vector: Vector) -> [Int] {
        vector.withUnsafeBufferPointer { buffer in
            program.withReader(buffer) { reader in
                roots.indices.filter { Self.isBroken(reader.value(roots[$0])) }
            }
        }
    }
}
