namespace Watari.Transfer.Sockets;

/// <summary>
/// A thread for moving bulk data: not of the pool, and nicer than the process, so that whatever else runs there (grain
/// turns, membership probes) is served first.
/// </summary>
internal static class BulkThread
{
    // .NET does nothing for Thread.Priority on Linux; the kernel's nice value is per thread, whatever POSIX says
    // (setpriority(2), "C library/kernel differences").
    private const int Nice = 5;

    /// <summary>Starts a thread. <paramref name="body"/> must not let an exception escape: it would end the process.</summary>
    public static void Start(string name, Action body)
    {
        Thread thread = new(() =>
        {
            _ = Libc.SetPriority(Libc.PRIO_PROCESS, 0, Nice);
            body();
        })
        { Name = name, IsBackground = true };
        thread.Start();
    }

    /// <summary>A task that ends with the body of the thread, and as it did.</summary>
    public static Task RunAsync(string name, Action body)
    {
        TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Start(name, () =>
        {
            try
            {
                body();
                ended.SetResult();
            }
            catch (Exception e)
            {
                ended.SetException(e);
            }
        });
        return ended.Task;
    }
}
