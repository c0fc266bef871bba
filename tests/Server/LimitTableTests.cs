using Conclave.Protocol;
using Conclave.Tests.Server.Accounts;
using Conclave.Tests.Server.Actions;
using Conclave.Tests.Server.Connections;
using Conclave.Tests.Server.Lobbies;
using Conclave.Tests.Server.Writing;

namespace Conclave.Tests.Server;

/// <summary>Which test tries each limit at its edge and beyond. A limit that nobody tries is not one.</summary>
public sealed class LimitTableTests
{
    // By nameof, so that a test which goes takes its line here with it.
    static readonly Dictionary<string, string[]> Table = new(StringComparer.Ordinal)
    {
        [nameof(Limits.RequestBytesMax)] =
        [
            nameof(CloseTests.Request_of_exactly_the_limit_is_answered_and_one_byte_more_is_too_big),
            nameof(PostTests.Large_request_shows_its_token_before_it_becomes_large),
        ],
        [nameof(Limits.AnonymousRequestBytesMax)] =
        [
            nameof(CloseTests.Request_of_exactly_the_limit_is_answered_and_one_byte_more_is_too_big),
            nameof(PostTests.Large_request_shows_its_token_before_it_becomes_large),
        ],
        [nameof(Limits.InFlightMax)] =
            [nameof(BackpressureTests.Request_beyond_those_in_flight_is_read_when_one_is_answered)],
        [nameof(Limits.AnonymousInFlightMax)] =
            [nameof(BackpressureTests.Stranger_has_fewer_answers_under_way_than_one_with_a_token)],
        [nameof(Limits.RequestBytesBudget)] =
            [nameof(BackpressureTests.Requests_that_share_a_small_budget_all_complete)],
        [nameof(Limits.AnonymousRequestBytesBudget)] =
        [
            nameof(BackpressureTests.Requests_that_share_a_small_budget_all_complete),
            nameof(CrowdTests.Thousand_strangers_who_send_all_they_may_are_held_in_bounds_and_disturb_nobody),
        ],
        [nameof(Limits.RequestTimeMax)] =
        [
            nameof(BackpressureTests.Request_that_does_not_come_to_its_end_makes_room_for_those_that_wait),
            nameof(PostTests.Request_that_does_not_come_to_its_end_is_given_up),
        ],
        [nameof(Limits.FrameBytesBudget)] =
        [
            nameof(BackpressureTests.Large_reply_holds_its_share_of_one_budget_until_it_is_sent_or_its_reader_is_gone),
            nameof(BackpressureTests.User_who_takes_no_large_reply_holds_up_nobody_else),
            nameof(CrowdTests.Subscribers_who_never_read_large_entries_are_held_in_bounds_and_disturb_nobody),
        ],
        [nameof(Limits.TailBytesBudget)] = [nameof(CursorTests.Tail_that_has_shrunk_costs_pages_and_no_entry)],
        [nameof(Limits.SubscriptionsMax)] = [nameof(LimitTests.Limit_holds_at_its_edge_and_gives_way_when_it_said)],
        [nameof(Limits.ConnectionsPerAddressMax)] =
        [
            nameof(LimitTests.Connection_too_many_from_an_address_is_told_so_until_another_leaves),
            nameof(SilenceTests.Address_has_twice_as_many_sockets_as_connections_and_its_proxy_any_number),
            nameof(SilenceTests.Posts_too_many_at_one_time_from_an_address_are_told_when_to_come_back),
        ],
        [nameof(Limits.PublicRequestsPerMinute)] =
            [nameof(LimitTests.Public_requests_from_one_address_have_a_pace_and_none_on_loopback)],
        [nameof(Limits.MessagesPerSecond)] =
        [
            nameof(LimitTests.Limit_holds_at_its_edge_and_gives_way_when_it_said),
            nameof(LimitTests.Messages_of_one_user_count_together_whatever_the_connection_and_not_those_of_others),
        ],
        [nameof(Limits.MessageBytesPerSecond)] =
            [nameof(LimitTests.Limit_holds_at_its_edge_and_gives_way_when_it_said)],
        [nameof(Limits.SealedRowsPerSecond)] =
            [nameof(SealedLimitTests.Rows_of_a_lobby_have_a_pace_that_outsiders_and_repetitions_do_not_use_up)],
        [nameof(Limits.SealedRowsHeld)] =
            [nameof(SealedAppendTests.Lobbies_are_known_as_long_as_there_is_memory_and_read_again_afterwards)],
        [nameof(Limits.SealedReadsPerMinute)] =
            [nameof(SealedLimitTests.Lobbies_that_have_to_be_read_for_one_user_have_a_pace)],
        [nameof(Limits.RosterEntriesMax)] =
            [nameof(SealedLimitTests.Roster_that_is_nearly_full_still_lets_people_go)],
        [nameof(Limits.RosterChangesPerMinute)] =
        [
            nameof(SealedLimitTests.Changes_of_rosters_by_one_user_have_a_pace),
            nameof(LimitTests.Changes_of_lobbies_by_one_user_have_a_pace_that_takes_refused_ones_and_no_invitations),
        ],
        [nameof(Limits.KeyRepairsPerMinute)] = [nameof(SealedLimitTests.Repairs_of_keys_by_one_user_have_a_pace)],
        [nameof(Limits.InvitationsPerHour)] = [nameof(LimitTests.Limit_holds_at_its_edge_and_gives_way_when_it_said)],
        [nameof(Limits.LobbiesPerUserMax)] =
        [
            nameof(LimitTests.Limit_holds_at_its_edge_and_gives_way_when_it_said),
            nameof(LimitTests.Lobbies_created_at_one_time_never_exceed_the_quota),
        ],
        [nameof(Limits.LobbiesPerHour)] =
        [
            nameof(LimitTests.Limit_holds_at_its_edge_and_gives_way_when_it_said),
            nameof(DeleteLobbyTests.Lobby_that_is_deleted_leaves_no_time_for_another),
        ],
        [nameof(Limits.MembersPerLobbyMax)] = [nameof(LimitTests.Limit_holds_at_its_edge_and_gives_way_when_it_said)],
        [nameof(Limits.LobbyBytesMax)] =
        [
            nameof(LimitTests.Limit_holds_at_its_edge_and_gives_way_when_it_said),
            nameof(LimitTests.Bytes_of_a_lobby_are_counted_as_stored_and_its_own_quota_comes_first),
        ],
        [nameof(Limits.WriterInboxMax)] =
            [nameof(EntryWriterTests.Draft_beyond_a_full_inbox_waits_until_there_is_room)],
        [nameof(Limits.BatchCountMax)] =
            [nameof(EntryWriterTests.Batch_is_bounded_by_count_and_bytes_and_ends_a_lobby_at_a_change_of_members)],
        [nameof(Limits.BatchBytesMax)] =
            [nameof(EntryWriterTests.Batch_is_bounded_by_count_and_bytes_and_ends_a_lobby_at_a_change_of_members)],
        [nameof(Limits.PasswordWorkersMax)] =
            [nameof(PasswordHasherTests.Storm_is_answered_at_once_beyond_the_workers_and_the_queue)],
        [nameof(Limits.PasswordQueueMax)] =
        [
            nameof(PasswordHasherTests.Storm_is_answered_at_once_beyond_the_workers_and_the_queue),
            nameof(PasswordHasherTests.Check_beyond_the_queue_is_overloaded_not_a_mismatch),
        ],
        [nameof(Limits.ThrottleEntriesMax)] =
        [
            nameof(FailureTableTests.Key_has_no_more_free_attempts_in_a_table_that_is_too_small),
            nameof(SignInThrottleTests.Flood_of_other_pairs_does_not_reset_a_punished_one),
            nameof(PaceTableTests.Flood_of_keys_neither_grows_the_table_nor_frees_one_that_took_too_much),
        ],
        [nameof(Limits.SessionLifetime)] = [nameof(SessionsTests.Token_lives_for_thirty_days_after_its_last_use)],
        [nameof(Limits.SessionsPerUserMax)] =
        [
            nameof(LimitTests.Limit_holds_at_its_edge_and_gives_way_when_it_said),
            nameof(SessionEndTests.Sign_ins_at_one_time_never_exceed_the_quota),
        ],
        [nameof(Limits.WriteStallMax)] =
            [nameof(VitalsTests.Reader_that_takes_nothing_is_cut_and_one_that_takes_little_is_not)],
        [nameof(Limits.PingInterval)] =
        [
            nameof(VitalsTests.Peer_that_answers_pings_stays_and_one_that_answers_none_is_gone),
            nameof(SilenceTests.Who_comes_and_does_not_go_on_is_gone_soon),
        ],
        [nameof(Limits.DatabaseWaitMax)] =
        [
            nameof(LostDatabaseTests.Database_that_stays_away_makes_posts_busy_and_those_under_way_unknown),
            nameof(OutageTests.Posts_and_reads_wait_five_seconds),
        ],
    };

    [Fact]
    public void Every_limit_has_a_test()
    {
        var limits = typeof(Limits).GetProperties()
            .Where(property => property.GetMethod!.IsStatic is false && property.Name != "EqualityContract")
            .Select(property => property.Name);

        Assert.Equal(limits.Order(StringComparer.Ordinal), Table.Keys.Order(StringComparer.Ordinal));
        Assert.All(Table.Values, tests => Assert.NotEmpty(tests));
    }
}
