using System.Runtime.InteropServices;

namespace Conclave.Bench.Load;

/// <summary>
/// The few calls that the loop makes itself: thousands of sockets on one thread, without a task or a callback for any.
/// </summary>
static partial class Native
{
    public const int Readable = 1;
    public const int Writable = 4;
    public const int Add = 1;
    public const int Modify = 3;

    // Do not raise SIGPIPE; the call returns an error.
    public const int NoSignal = 0x4000;

    const int TryAgain = 11;
    const int Interrupted = 4;

    public static bool WouldBlock => Marshal.GetLastPInvokeError() is TryAgain or Interrupted;

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    public static partial int CreatePoll(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    public static partial int Control(int poll, int operation, int socket, ref byte change);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    public static partial int Wait(int poll, ref byte events, int countMax, int milliseconds);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    public static partial nint Send(int socket, ref readonly byte bytes, nint count, int flags);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    public static partial nint Receive(int socket, ref byte bytes, nint count, int flags);
}
