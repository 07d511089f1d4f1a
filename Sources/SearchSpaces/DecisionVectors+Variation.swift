import RandomStreams

/// What `SearchSpace+Variation` does to genotypes, done to vectors; and the operators of real-coded evolution.
extension DecisionVectors {
    package func sample(using stream: inout RandomStream) -> Vector {
        var found = plan.walk { decisions[$0].sample(using: &stream).number }
        guard feasibility.isConstrained else { return found }
        for _ in 1..<SearchSpace.sampleAttempts {
            if plan.broken(found) == nil { return found }
            found = plan.walk { decisions[$0].sample(using: &stream).number }
        }
        return feasibility.repaired(found)
    }

    package func sample(_ slot: Int, using stream: inout RandomStream) -> Double { decisions[slot].sample(using: &stream).number }

    /// The number of a numeric decision at a place of its scale, that of an int the nearest; places outside 0...1 are clamped.
    package func number(_ slot: Int, atUnit place: Double) -> Double { decisions[slot].number(atUnit: place) }

    /// The active decisions that have more than one value.
    package func free(_ vector: Vector) -> [Int] {
        vector.indices.filter { !vector[$0].isNaN && decisions[$0].count != 1 }
    }

    /// So many decisions changed, chosen by chance; what becomes active by that is sampled.
    package func edited(_ vector: Vector, edits: Int, using stream: inout RandomStream) -> Vector {
        var slots = free(vector)
        var changes: [Int: Double] = [:]
        for _ in 0..<min(edits, slots.count) {
            let slot = slots.remove(at: stream.index(below: slots.count))
            changes[slot] = decisions[slot].changed(decisions[slot].value(vector[slot]), using: &stream).number
        }
        return walk(holding: changes.keys.sorted()) { slot in
            changes[slot] ?? (vector[slot].isNaN ? decisions[slot].sample(using: &stream).number : vector[slot])
        }
    }

    /// Every genotype that differs in the value of one decision (`Decision.adjacent`); what becomes active by that is sampled. A
    /// change that breaks a constraint comes with those that make it possible.
    package func neighbours(_ vector: Vector, using stream: inout RandomStream) -> [Vector] {
        let found = free(vector).flatMap { changed in
            decisions[changed].adjacent(to: decisions[changed].value(vector[changed])).map { value in
                walk(holding: [changed]) { slot in
                    slot == changed
                        ? value.number : vector[slot].isNaN ? decisions[slot].sample(using: &stream).number : vector[slot]
                }
            }
        }
        guard feasibility.isConstrained else { return found }
        // NaN differs from itself, its bits do not.
        var seen: Set<[UInt64]> = [vector.map(\.bitPattern)]
        return found.filter { seen.insert($0.map(\.bitPattern)).inserted }
    }

    /// Uniform crossover: a decision active in both comes from either, what it activates comes with it.
    package func crossed(_ first: Vector, _ second: Vector, using stream: inout RandomStream) -> Vector {
        walk { slot in
            switch (first[slot].isNaN, second[slot].isNaN) {
            case (false, false): stream.flag() ? first[slot] : second[slot]
            case (false, true): first[slot]
            case (true, false): second[slot]
            case (true, true): decisions[slot].sample(using: &stream).number
            }
        }
    }

    /// Each number moved by a normal step of `deviation` (on its scale of 0...1) with probability `probability`, turned back at the ends;
    /// each choice replaced with probability `replacement`.
    package func moved(
        _ vector: Vector, deviation: Double, probability: Double, replacement: Double, using stream: inout RandomStream
    ) -> Vector {
        walk { slot in
            if vector[slot].isNaN { return decisions[slot].sample(using: &stream).number }
            let decision = decisions[slot]
            guard decision.count != 1 else { return vector[slot] }
            if case .choice = decision.kind {
                let changes = replacement > 0 && stream.flag(probability: replacement)
                return changes ? decision.changed(decision.value(vector[slot]), using: &stream).number : vector[slot]
            }
            guard stream.flag(probability: probability) else { return vector[slot] }
            let place = decision.unit(vector[slot])
            var step = stream.normal() * deviation
            if place + step < 0 || place + step > 1 { step = -step }
            return decision.number(atUnit: place + step)
        }
    }

    /// Simulated binary crossover and polynomial mutation of numbers (Deb and Agrawal 1995; Deb and Goyal 1996), as pymoo's SBX and PM
    /// do them within bounds; choices by uniform crossover and replacement. One child.
    ///
    /// - Parameters:
    ///   - crossover: the probability that the parents are crossed at all; each decision then is with probability 1/2.
    ///   - mutation: the probability of a decision's mutation.
    package func bred(
        _ first: Vector, _ second: Vector, crossover: Double, mutation: Double, spread: Double = 15, polynomial: Double = 20,
        using stream: inout RandomStream
    ) -> Vector {
        let crosses = stream.flag(probability: crossover)
        // Which of the two children it is.
        let (near, far) = stream.flag() ? (first, second) : (second, first)
        return walk { slot in
            let decision = decisions[slot]
            var value = near[slot]
            if value.isNaN { value = far[slot] }
            if value.isNaN { return decision.sample(using: &stream).number }
            if decision.count == 1 { return value }
            guard case .choice = decision.kind else {
                var place = decision.unit(value)
                let before = place
                if crosses, stream.flag(), !near[slot].isNaN, !far[slot].isNaN {
                    // Of a decision's two children the one at the other parent's side half of the time: so the parents mix.
                    let (own, other) = stream.flag() ? (near[slot], far[slot]) : (far[slot], near[slot])
                    place = simulatedBinary(decision.unit(own), decision.unit(other), spread, using: &stream)
                }
                if stream.flag(probability: mutation) { place = polynomiallyMutated(place, polynomial, using: &stream) }
                return place == before ? value : decision.number(atUnit: place)
            }
            if crosses, stream.flag(), !far[slot].isNaN { value = far[slot] }
            return stream.flag(probability: mutation) ? decision.changed(decision.value(value), using: &stream).number : value
        }
    }
}

/// A child's place near the first parent's, both in 0...1.
private func simulatedBinary(_ near: Double, _ far: Double, _ eta: Double, using stream: inout RandomStream) -> Double {
    let distance = abs(near - far)
    let random = stream.uniform()
    guard distance > 1e-14 else { return near }
    // The child at the lower or the upper parent's side, bounded by 0 or 1.
    let room = near < far ? min(near, far) : 1 - max(near, far)
    let alpha = 2 - powered(1 + 2 * room / distance, -(eta + 1))
    let beta = random <= 1 / alpha ? powered(random * alpha, 1 / (eta + 1)) : powered(1 / (2 - random * alpha), 1 / (eta + 1))
    let middle = (near + far) / 2
    let child = near < far ? middle - beta * distance / 2 : middle + beta * distance / 2
    return min(max(child, 0), 1)
}

private func polynomiallyMutated(_ place: Double, _ eta: Double, using stream: inout RandomStream) -> Double {
    let random = stream.uniform()
    if random < 0.5 {
        let power = powered(2 * random + (1 - 2 * random) * powered(1 - place, eta + 1), 1 / (eta + 1))
        return min(max(place + power - 1, 0), 1)
    }
    let power = powered(2 * (1 - random) + 2 * (random - 0.5) * powered(place, eta + 1), 1 / (eta + 1))
    return min(max(place + 1 - power, 0), 1)
}
