using System.Formats.Tar;
using Watari.Guests;

namespace Watari.SystemTests.Checkpoint;

/// <summary>Brings images into a guest, by its memory alone, and has a stock tool restore them there.</summary>
internal static class StockRestore
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>By <c>runc restore</c>, from a bundle.</summary>
    public static Task ContainerAsync(Guest guest, TestVm vm, string id, string bundle, string images) =>
        RestoreAsync(guest, vm, images, $"runc restore -d --bundle {bundle} --image-path /tmp/images --work-path /tmp/work {id}");

    /// <summary>By <c>criu restore</c>.</summary>
    public static Task TreeAsync(Guest guest, TestVm vm, string images) =>
        RestoreAsync(guest, vm, images, "criu restore -d -D /tmp/images -W /tmp/work -o restore.log");

    private static async Task RestoreAsync(Guest guest, TestVm vm, string images, string command)
    {
        using var archive = new MemoryStream();
        await TarFile.CreateFromDirectoryAsync(images, archive, includeBaseDirectory: false, Cancellation);
        await LandingFile.WriteAsync(guest, vm, "/tmp/landing", archive.ToArray(), Cancellation);
        await guest.Console.CheckAsync("rm -rf /tmp/work && mkdir -p /tmp/images /tmp/work && tar -xf /tmp/landing -C /tmp/images && rm /tmp/landing", StockGuest.Patience, Cancellation);
        GuestCommandResult restored = await guest.Console.RunAsync(
            $"{command} </dev/null >/dev/null 2>/tmp/error; code=$?; [ $code = 0 ] || {{ cat /tmp/error; grep Error /tmp/work/restore.log; }}; rm -rf /tmp/images; (exit $code)",
            StockGuest.Patience, Cancellation);
        Assert.True(restored.ExitCode == 0, $"{command}: {restored.Output}");
    }
}
