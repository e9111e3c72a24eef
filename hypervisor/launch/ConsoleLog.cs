namespace Watari.Hypervisor;

/// <summary>Waits for words on a guest's console, by its log.</summary>
internal static class ConsoleLog
{
    /// <exception cref="HypervisorException">The VM ended before, or the deadline passed; with the console's last lines.</exception>
    internal static async Task WaitForAsync(VmDirectory vm, string words, TimeSpan deadline, CancellationToken cancellation)
    {
        using ProcessHandle process = vm.OpenProcess() ?? throw Ended(vm, words);
        using var grown = new SemaphoreSlim(0);
        using var watcher = new FileSystemWatcher(vm.DirectoryPath, Path.GetFileName(vm.ConsoleLog)) { NotifyFilter = NotifyFilters.Size | NotifyFilters.LastWrite };
        watcher.Changed += (_, _) => grown.Release();
        watcher.EnableRaisingEvents = true;

        Task<bool> ended = process.WaitForEndAsync(deadline);
        while (!await ContainsAsync(vm.ConsoleLog, words, cancellation))
        {
            Task moreWords = grown.WaitAsync(cancellation);
            if (await Task.WhenAny(moreWords, ended) == moreWords)
                await moreWords;
            else if (await ended)
                throw Ended(vm, words);
            else
                throw new HypervisorException($"The guest of VM {vm.Name} did not say \"{words}\" within {deadline.TotalSeconds:0} s. The end of its console:\n{VmDirectory.Tail(vm.ConsoleLog)}");
        }
    }

    private static HypervisorException Ended(VmDirectory vm, string words) => new(
        $"VM {vm.Name} ended before its guest said \"{words}\". The end of its console:\n{VmDirectory.Tail(vm.ConsoleLog)}\n{VmDirectory.Tail(vm.QemuLog)}");

    private static async Task<bool> ContainsAsync(string log, string words, CancellationToken cancellation) =>
        File.Exists(log) && (await File.ReadAllTextAsync(log, cancellation)).Contains(words, StringComparison.Ordinal);
}
