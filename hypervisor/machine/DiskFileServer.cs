using System.ComponentModel;
using System.Diagnostics;
using System.Net.Sockets;

namespace Watari.Hypervisor;

/// <summary>
/// The disk of a VM that is off, to be read while this lives: served from its file by QEMU's own qemu-nbd, which reads any format, on a unix
/// socket. It ends by itself when the last of its clients is gone, also where this process dies.
/// </summary>
public sealed class DiskFileServer : IDisposable
{
    public const string ExportName = "disk";

    private const string Program = "qemu-nbd";
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(5);

    private readonly Process _server;
    private readonly Socket _lifeline;

    private DiskFileServer(Process server, Socket lifeline, string socketPath)
    {
        _server = server;
        _lifeline = lifeline;
        SocketPath = socketPath;
    }

    public string SocketPath { get; }

    /// <param name="file">The disk's, of no VM that runs: QEMU locks it.</param>
    /// <param name="format">QEMU's name for its format.</param>
    /// <param name="socketPath">Where the server shall listen; nothing is there.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="HypervisorException">There is no qemu-nbd, or it cannot read the file; or a VM runs with it.</exception>
    public static async Task<DiskFileServer> StartAsync(string file, string format, string socketPath, CancellationToken cancellation = default)
    {
        if (!UnixSocket.PathFits(socketPath)) throw new HypervisorException($"The socket path {socketPath} is longer than {UnixSocket.MaxPathLength} bytes: use a shorter directory.");
        Process server = Start(new ProcessStartInfo(Program, ["--read-only", "--shared=0", $"--socket={socketPath}", $"--format={format}", $"--export-name={ExportName}", file])
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
        });
        Task<string> words = server.StandardError.ReadToEndAsync(CancellationToken.None);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(s_deadline);
        try
        {
            while (true)
            {
                // It serves until its last client has gone: this is the first.
                if (File.Exists(socketPath) && await TryGreetAsync(socketPath, deadline.Token) is { } lifeline) return new DiskFileServer(server, lifeline, socketPath);
                if (server.HasExited) throw new HypervisorException($"{Program} cannot serve {file}: {(await words).Trim()}");
                await Task.Delay(s_look, deadline.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            End(server, socketPath);
            throw new HypervisorException($"{Program} did not serve {file} within {s_deadline.TotalSeconds:0} s.");
        }
        catch
        {
            End(server, socketPath);
            throw;
        }
    }

    /// <summary>Ends the server, also under readers.</summary>
    public void Dispose()
    {
        _lifeline.Dispose();
        End(_server, SocketPath);
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception missing)
        {
            throw new HypervisorException($"{Program} cannot be started ({missing.Message}). Install it with: apt-get install qemu-utils", missing);
        }
    }

    /// <summary>It listens before it opens the file: only its greeting says that it serves.</summary>
    private static async Task<Socket?> TryGreetAsync(string socketPath, CancellationToken cancellation)
    {
        Socket? client = null;
        try
        {
            client = UnixSocket.Connect(socketPath, s_deadline);
            if (await client.ReceiveAsync(new byte[1], SocketFlags.Peek, cancellation) > 0) return client;
        }
        catch (Exception notYet) when (notYet is SocketException or HypervisorException)
        {
            // not yet, or no more
        }
        catch
        {
            client?.Dispose();
            throw;
        }

        client?.Dispose();
        return null;
    }

    private static void End(Process server, string socketPath)
    {
        server.Kill();
        server.WaitForExit();
        server.Dispose();
        File.Delete(socketPath);
    }
}
