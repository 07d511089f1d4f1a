import Foundation
import SearchSpaces
import Trials

/// The Gaussian processes of a history: one for each objective and each constrained metric, brought up to date when asked. Where trials are
/// weighed, those of the objectives are of the differences from their trends over the networks' sizes (`SizeTrend`).
///
/// Its state is a function of the history alone: parameters are fitted at fixed numbers of results, each fit going on from the last one;
/// and of many results a fixed part is kept, chosen anew after every so many more.
struct SurrogateModel: Sendable {
    /// So many points at most, and so many left when they are chosen anew; more where trials have results at several rungs.
    static let (mostPoints, keptPoints) = (256, 192)
    static let (mostPointsOfRungs, keptPointsOfRungs) = (448, 384)
    static let fittedPoints = 96

    private let space: KernelSpace
    private let objectives: [Objective]
    private let constraints: [Constraint]
    private var fitters: [GaussianProcessFitter] = []
    private var nextFit = SurrogateModel.firstFit
    private var processes: [GaussianProcess] = []
    /// The points whose rows the processes have.
    private var rows: [Row] = []

    private enum Row: Sendable, Equatable {
        case entry(Int)
        case pending(trial: Int, resource: Int)
    }

    /// The `size` that were kept when there were `count` results.
    private var selection: (count: Int, size: Int, entries: [Int])?
    /// The entries that the means rest on.
    private(set) var active: [Int] = []
    private(set) var warps: [Warp] = []
    /// One for each process.
    private var trends: [SizeTrend] = []

    /// The number of results at which parameters are fitted first.
    static let firstFit = 6

    init(space: KernelSpace, objectives: [Objective], constraints: [Constraint]) {
        self.space = space
        self.objectives = objectives
        self.constraints = constraints
    }

    /// What is expected of a point: mean and deviation of each warped objective, and the probability that it is feasible.
    struct Belief {
        var means: [Double]
        var deviations: [Double]
        var feasibility: Double
    }

    mutating func update(_ history: SurrogateHistory) {
        if fitters.isEmpty {
            let activeCount = history.entries.prefix(Self.firstFit).map {
                Double($0.input.choices.count + $0.input.numbers.count)
            }
            let mean = activeCount.reduce(0, +) / Double(max(activeCount.count, 1))
            let start = GaussianProcess.Parameters(space, active: mean)
            fitters = Array(repeating: GaussianProcessFitter(start), count: objectives.count + constraints.count)
        }
        var changed = processes.isEmpty
        while nextFit <= history.entries.count {
            fit(history, count: nextFit)
            nextFit += max(2, nextFit / 5)
            changed = true
        }
        if changed {
            processes = fitters.map { GaussianProcess($0.parameters, in: space) }
            rows = []
        }
        let count = history.entries.count
        let hasRungs = history.lowestResource < history.highestResource
        let most = hasRungs ? Self.mostPointsOfRungs : Self.mostPoints
        let kept = hasRungs ? Self.keptPointsOfRungs : Self.keptPoints
        if count < most {
            active = Array(0..<count)
        } else {
            let chosen = most + (count - most) / (most - kept) * (most - kept)
            if selection.map({ ($0.count, $0.size) != (chosen, kept) }) ?? true {
                selection = (chosen, kept, history.selection(of: chosen, size: kept))
            }
            active = (selection?.entries ?? []) + Array(chosen..<count)
        }
        let pending = history.pending.suffix(Self.mostPoints / 4)
        let wanted = active.map(Row.entry) + pending.map { .pending(trial: $0, resource: history.trials[$0]?.target ?? 0) }
        let common = zip(rows, wanted).prefix { $0 == $1 }.count
        let added: [KernelInput] = wanted.dropFirst(common).compactMap { row in
            switch row {
            case .entry(let number): history.entries[number].input
            case .pending(let trial, let resource):
                history.trials[trial].map {
                    KernelInput($0.vector, resource: KernelSpace.place(resource: resource), in: space)
                }
            }
        }
        warps = makeWarps(active, history)
        trends = []
        for output in processes.indices {
            processes[output].truncate(min(common, processes[output].count))
            for input in added { processes[output].append(input, in: space) }
            let (trend, differences) = differences(output, active, history, count: count)
            trends.append(trend)
            processes[output].condition(differences)
        }
        rows = wanted
    }

    private mutating func fit(_ history: SurrogateHistory, count: Int) {
        let numbers = history.selection(of: count, size: Self.fittedPoints)
        warps = makeWarps(numbers, history)
        let inputs = numbers.map { history.entries[$0].input }
        for output in fitters.indices {
            fitters[output].fit(
                inputs, targets: differences(output, numbers, history, count: count).values, in: space,
                iterations: count == Self.firstFit ? 12 : 6)
        }
    }

    /// Latencies are told in their logarithm whatever they are; other losses as long as the best one is no small part of the reference.
    private func makeWarps(_ numbers: [Int], _ history: SurrogateHistory) -> [Warp] {
        objectives.enumerated().map { axis, objective in
            let reference = objective.loss(objective.reference)
            let best = numbers.map { history.entries[$0].losses[axis] }.min() ?? reference
            return Warp(
                isLogarithmic: best > 0 && (isMeasuredTime(objective.metric) || best >= 0.02 * reference), reference: reference,
                span: max(reference - best, 1e-9 * max(abs(reference), 1)))
        }
    }

    /// The trend of an output, and what its model learns of entries: the differences from it.
    private func differences(
        _ output: Int, _ numbers: [Int], _ history: SurrogateHistory, count: Int
    ) -> (trend: SizeTrend, values: [Double]) {
        let targets = targets(output, numbers, history, count: count)
        guard history.cost != nil, output < objectives.count else { return (SizeTrend(), targets) }
        let inputs = numbers.map { history.entries[$0].input }
        let trend = SizeTrend(zip(inputs, targets).map { (size: $0.size, family: $0.family, value: $1) })
        return (trend, zip(inputs, targets).map { $1 - trend($0.size) })
    }

    /// What is known of an output of entries: its values, those at lower resources as they foretell that of the highest of the
    /// first `count` results.
    private func targets(_ output: Int, _ numbers: [Int], _ history: SurrogateHistory, count: Int) -> [Double] {
        let values = numbers.map { value(output, history.entries[$0]) }
        let known = values.compactMap { $0 }
        let mean = known.reduce(0, +) / Double(max(known.count, 1))
        let highest = history.highest(of: count)
        var lines: [Int: RungLine] = [:]
        for resource in Set(numbers.map { history.entries[$0].resource }) where resource < highest.resource {
            let early = (0..<count).filter { history.entries[$0].resource == resource }.map { number in
                (number: number, value: value(output, history.entries[number]))
            }
            let pairs = early.compactMap { number, value -> (early: Double, late: Double)? in
                guard let value, let final = highest.finals[history.entries[number].trial] else { return nil }
                return self.value(output, history.entries[final]).map { (value, $0) }
            }
            lines[resource] = RungLine(pairs, all: early.compactMap(\.value))
        }
        return zip(numbers, values).map { number, value in
            guard let value else { return mean }
            return lines[history.entries[number].resource]?(value) ?? value
        }
    }

    /// What the model of this output learns of an entry; nil for a constrained metric that it does not tell.
    private func value(_ output: Int, _ entry: SurrogateHistory.Entry) -> Double? {
        if output < objectives.count { return warps[output](entry.losses[output]) }
        return entry.constrained[output - objectives.count]
    }

    /// - Parameters:
    ///   - caution: what the objectives' deviations are multiplied by.
    ///   - isRough: with deviations that need no factor, for telling the promising from the others.
    mutating func belief(_ input: KernelInput, failed: [KernelInput], caution: Double = 1, isRough: Bool) -> Belief {
        var belief = Belief(means: [], deviations: [], feasibility: 1)
        for output in processes.indices {
            let correlations = processes[output].correlations(input, in: space)
            let mean = processes[output].mean(correlations)
            let deviation = isRough ? processes[output].roughDeviation(correlations) : processes[output].deviation(correlations)
            if output < objectives.count {
                belief.means.append(mean + trends[output](input.size))
                belief.deviations.append(caution * deviation)
            } else {
                let constraint = constraints[output - objectives.count]
                let above = constraint.atMost.map { normalDistribution(($0 - mean) / deviation) } ?? 1
                let below = constraint.atLeast.map { normalDistribution((mean - $0) / deviation) } ?? 1
                belief.feasibility *= max(0, above + below - 1)
            }
            if output == 0, !failed.isEmpty {
                let good = correlations.prefix(active.count).reduce(0, +)
                let bad = processes[0].correlations(with: failed.suffix(Self.fittedPoints))
                belief.feasibility *= (0.5 + good) / (0.5 + good + bad.reduce(0, +))
            }
        }
        return belief
    }
}
