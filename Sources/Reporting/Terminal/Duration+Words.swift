extension Duration {
    /// The two largest units: `0.4 s`, `42 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`.
    package var words: String {
        if self < .zero { return "-" + (.zero - self).words }
        let exact = min(Double(components.seconds) + Double(components.attoseconds) * 1e-18, 1e15)
        if exact > 0 && exact < 9.95 && exact != exact.rounded() { return "\(decimal(exact, digits: 1)) s" }
        let seconds = Int(exact.rounded())
        func pair(_ large: Int, _ a: String, _ small: Int, _ b: String) -> String {
            small == 0 ? "\(large) \(a)" : "\(large) \(a) \(small) \(b)"
        }
        if seconds < 60 { return "\(seconds) s" }
        if seconds < 3600 { return pair(seconds / 60, "min", seconds % 60, "s") }
        let minutes = Int((exact / 60).rounded())
        if minutes < 24 * 60 { return pair(minutes / 60, "h", minutes % 60, "min") }
        let hours = Int((exact / 3600).rounded())
        return pair(hours / 24, "d", hours % 24, "h")
    }
}
