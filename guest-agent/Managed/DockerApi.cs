using System.Buffers;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Managed;

/// <summary>The one request to Docker's daemon for which its program has no words: to make a container of a whole configuration (Engine API, <c>POST /containers/create</c>), over HTTP/1.0, which ends with its answer.</summary>
internal static class DockerApi
{
    private const string Socket = "/var/run/docker.sock";
    private const int MostAnswerBytes = 1 << 20;

    /// <param name="name">Of the container.</param>
    /// <param name="body">JSON.</param>
    /// <param name="deadline">For all of it.</param>
    /// <exception cref="AgentException">restore-failed: Docker refused, or did not answer.</exception>
    public static ContainerId Create(string name, byte[] body, Deadline deadline)
    {
        (int status, byte[] answer) = Post($"/containers/create?name={name}", body, deadline);
        string said = Encoding.UTF8.GetString(answer).Trim();
        if (status != 201)
            throw Failed($"Docker did not make the container (status {status})", Field(answer, "message") ?? said);
        return ContainerId.TryParse(Field(answer, "Id"), out ContainerId id) ? id : throw Failed("Docker has not said which container it made", said);
    }

    private static (int Status, byte[] Body) Post(string path, byte[] body, Deadline deadline)
    {
        try
        {
            using System.Net.Sockets.Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.SendTimeout = socket.ReceiveTimeout = (int)Math.Clamp(deadline.At - Deadline.Now, 1, int.MaxValue);
            socket.Connect(new UnixDomainSocketEndPoint(Socket));
            Send(socket, Encoding.ASCII.GetBytes($"POST {path} HTTP/1.0\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: {body.Length.ToString(CultureInfo.InvariantCulture)}\r\n\r\n"));
            Send(socket, body);
            return Parse(ReadToEnd(socket));
        }
        catch (SocketException failed)
        {
            throw Failed($"Docker's daemon could not be asked at {Socket}", failed.Message);
        }
    }

    private static void Send(Socket socket, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[socket.Send(bytes)..];
    }

    private static byte[] ReadToEnd(Socket socket)
    {
        ArrayBufferWriter<byte> answer = new();
        while (answer.WrittenCount < MostAnswerBytes && socket.Receive(answer.GetSpan(4096)) is > 0 and int count)
            answer.Advance(count);
        return answer.WrittenSpan.ToArray();
    }

    private static (int Status, byte[] Body) Parse(byte[] answer)
    {
        int head = answer.AsSpan().IndexOf("\r\n\r\n"u8);
        string[] first = Encoding.ASCII.GetString(answer.AsSpan(0, Math.Max(head, 0))).Split('\r', 2)[0].Split(' ');
        return head > 0 && first.Length > 1 && int.TryParse(first[1], NumberStyles.None, CultureInfo.InvariantCulture, out int status)
            ? (status, answer[(head + 4)..])
            : throw Failed("Docker's daemon answered with something else than HTTP", "");
    }

    private static string? Field(byte[] json, string name)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static AgentException Failed(string what, string log) => new(new AgentError(AgentErrorCode.RestoreFailed, what + ".", log));
}
