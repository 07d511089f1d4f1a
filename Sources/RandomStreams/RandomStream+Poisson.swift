extension RandomStream {
    /// A Poisson count. Takes a number of words that depends on what is drawn.
    ///
    /// Source: below a mean of 10 inversion; above, the transformed rejection PTRS of Hörmann, "The transformed rejection method for
    /// generating Poisson random variables", 1993.
    package mutating func poisson(mean: Double) -> Int {
        precondition(mean >= 0 && mean < 1e15, "a mean that can be counted")
        return mean < 10 ? invertedPoisson(mean) : rejectedPoisson(mean)
    }

    private mutating func invertedPoisson(_ mean: Double) -> Int {
        var left = uniform(), term = exponential(-mean), count = 0
        // The last terms are below the 2^-53 of the uniform's steps.
        while left >= term, count < 128 {
            left -= term
            count += 1
            term *= mean / Double(count)
        }
        return count
    }

    private mutating func rejectedPoisson(_ mean: Double) -> Int {
        let b = 0.931 + 2.53 * mean.squareRoot(), a = -0.059 + 0.02483 * b
        let inverseAlpha = 1.1239 + 1.1328 / (b - 3.4), sure = 0.9277 - 3.6224 / (b - 2)
        while true {
            let u = uniform() - 0.5, v = uniform()
            let us = 0.5 - abs(u)
            guard us > 0 else { continue }
            let k = ((2 * a / us + b) * u + mean + 0.43).rounded(.down)
            if us >= 0.07, v <= sure { return Int(k) }
            if k < 0 || us < 0.013 && v > us { continue }
            let bound = k * logarithm(mean) - mean - logarithmicGamma(k + 1)
            if logarithm(v * inverseAlpha / (a / (us * us) + b)) <= bound { return Int(k) }
        }
    }
}
