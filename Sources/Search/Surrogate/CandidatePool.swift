import RandomStreams
import SearchSpaces

/// Genotypes that were not started yet, near the front and anywhere.
///
/// It draws from a stream of the trials started so far, not of the proposal, so that all redraws of a decision see the same ones.
struct CandidatePool {
    private let vectors: DecisionVectors
    private let parents: [DecisionVectors.Vector]
    /// What was started or refused, and what was drawn here.
    private let known: Set<UInt64>
    private var drawn: Set<UInt64> = []
    private var stream: RandomStream

    init(vectors: DecisionVectors, history: SurrogateHistory) {
        self.vectors = vectors
        known = history.known
        stream = RandomStream(seed: history.digest).split("candidates").split(history.entries.count)
        parents = Self.parents(history)
    }

    /// The front at the highest resource and that of all results; without feasible ones the trials that violate least.
    private static func parents(_ history: SurrogateHistory) -> [DecisionVectors.Vector] {
        var trials: [Int] = []
        for member in history.front.members() + history.looseFront.members() where !trials.contains(member.trial) {
            trials.append(member.trial)
        }
        if trials.isEmpty { trials = history.leastViolating.map(\.trial) }
        return trials.compactMap { history.trials[$0]?.vector }
    }

    private mutating func isNew(_ vector: DecisionVectors.Vector) -> Bool {
        let identity = SurrogateHistory.identity(vector)
        return !known.contains(identity) && drawn.insert(identity).inserted
    }

    /// So many, or fewer in a small space.
    mutating func draw(_ count: Int) -> [DecisionVectors.Vector] {
        var found: [DecisionVectors.Vector] = []
        for number in 0..<(2 * count) where found.count < count {
            let vector = candidate(number % 8)
            if isNew(vector) { found.append(vector) }
        }
        return found
    }

    private mutating func candidate(_ way: Int) -> DecisionVectors.Vector {
        guard !parents.isEmpty, way < 6 else { return vectors.sample(using: &stream) }
        let parent = parents[stream.index(below: parents.count)]
        switch way {
        case 0, 1, 2: return changed(parent, edits: 1)
        case 3, 4: return changed(parent, edits: 2)
        default:
            let child = vectors.crossed(parent, parents[stream.index(below: parents.count)], using: &stream)
            return stream.flag() ? child : changed(child, edits: 1)
        }
    }

    /// So many edits; in a space of numbers half of the time small moves of some of them instead.
    private mutating func changed(_ vector: DecisionVectors.Vector, edits: Int) -> DecisionVectors.Vector {
        let free = vectors.free(vector)
        let numbers = free.filter { if case .choice = vectors.decisions[$0].kind { false } else { true } }.count
        if 2 * numbers > free.count, stream.flag() {
            let deviation = [0.2, 0.05, 0.01][stream.index(below: 3)]
            let probability = [1.5 / Double(numbers), 4 / Double(numbers), 0.5][stream.index(below: 3)]
            return vectors.moved(vector, deviation: deviation, probability: probability, replacement: 0, using: &stream)
        }
        return vectors.edited(vector, edits: edits, using: &stream)
    }

    mutating func neighbours(of chosen: [DecisionVectors.Vector], each: Int) -> [DecisionVectors.Vector] {
        var found: [DecisionVectors.Vector] = []
        for vector in chosen {
            for _ in 0..<each {
                let neighbour = changed(vector, edits: 1)
                if isNew(neighbour) { found.append(neighbour) }
            }
        }
        return found
    }
}
