//! Title and message of every reason in Vietnamese.

use exchange::Reason as R;

#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) const fn of(reason: R) -> [&'static str; 2] {
    match reason {
        R::InvalidSubjectId => [
            "Số định danh sai định dạng",
            "Số của người được hỏi không đúng định dạng. Hãy xem các lỗi được liệt kê, sửa lại rồi hỏi lại.",
        ],
        R::InvalidArgument => [
            "Yêu cầu sai định dạng",
            "Yêu cầu thiếu hoặc sai định dạng ở một phần. Hãy xem các lỗi được liệt kê.",
        ],
        R::InvalidJson => [
            "JSON không hợp lệ",
            "Nội dung gửi lên không phải JSON theo đúng đặc tả. Hãy xem các lỗi được liệt kê.",
        ],
        R::ReadMaskRequired => [
            "Chưa nêu trường dữ liệu",
            "Danh sách trường cần đọc đang trống. Hãy nêu các trường cần thiết; ListFields liệt kê tất cả.",
        ],
        R::ReadMaskWildcard => [
            "Không chấp nhận ký tự đại diện",
            "Danh sách trường cần đọc có ký tự đại diện nên bị từ chối. Hãy nêu từng trường cần thiết.",
        ],
        R::UnknownFieldPath => [
            "Trường dữ liệu không tồn tại",
            "Có đường dẫn trong danh sách trường không thuộc danh mục. ListFields liệt kê tất cả.",
        ],
        R::PiiInUrl => [
            "Số định danh nằm trong URL",
            "URL chứa dãy số giống số định danh cá nhân. Chỉ gửi số định danh trong phần thân yêu cầu.",
        ],
        R::PurposeUnknown => [
            "Mục đích không tồn tại",
            "Mục đích không có trong danh mục. ListPurposes liệt kê tất cả.",
        ],
        R::SecondFactorRequired => [
            "Cần họ tên và ngày sinh",
            "Thỏa thuận yêu cầu gửi họ tên và ngày sinh cùng với số định danh.",
        ],
        R::AgreementRequired => [
            "Cần nêu thỏa thuận",
            "Có nhiều thỏa thuận phù hợp với mục đích. Hãy nêu thỏa thuận được áp dụng.",
        ],
        R::SyntheticId => [
            "Công dân giả lập",
            "Số này thuộc về công dân giả lập, chỉ dùng trong môi trường thử nghiệm.",
        ],
        R::PageTokenInvalid => [
            "Mã trang không hợp lệ",
            "Mã trang không thuộc về bạn, không đúng truy vấn hoặc đã hết hạn. Hãy bắt đầu từ trang đầu.",
        ],
        R::IdentityMismatch => [
            "Tiêu đề khai danh tính",
            "Có tiêu đề tự khai danh tính. Chỉ chứng thư của máy khách xác định bên gọi; hãy bỏ tiêu đề đó.",
        ],
        R::CallerUnknown => [
            "Hệ thống chưa được biết",
            "Không có thỏa thuận nào dành cho hệ thống ghi trong chứng thư.",
        ],
        R::AgencySuspended => [
            "Cơ quan bị tạm dừng",
            "Quyền truy cập của cơ quan đang bị tạm dừng. Hãy liên hệ đơn vị vận hành.",
        ],
        R::SystemSuspended => [
            "Hệ thống bị tạm dừng",
            "Quyền truy cập của hệ thống đang bị tạm dừng. Hãy liên hệ đơn vị vận hành.",
        ],
        R::PurposeSuspended => [
            "Mục đích bị tạm dừng",
            "Tạm thời không ai được tra cứu theo mục đích này. Hãy liên hệ đơn vị vận hành.",
        ],
        R::AgreementExpired => [
            "Thỏa thuận không có hiệu lực",
            "Thỏa thuận chưa có hiệu lực hoặc đã hết hiệu lực.",
        ],
        R::AgreementUnknown => [
            "Không phải thỏa thuận của bạn",
            "Thỏa thuận được nêu không phải của bạn. ListGrants liệt kê các thỏa thuận của bạn.",
        ],
        R::PurposeNotAllowed => [
            "Mục đích không được phép",
            "Không có thỏa thuận nào của bạn, hoặc thỏa thuận bạn nêu không, bao gồm mục đích này. ListGrants liệt kê những gì được hỏi.",
        ],
        R::ConsentRequired => [
            "Cần mã đồng ý",
            "Thỏa thuận yêu cầu nêu mã sự đồng ý mà chủ thể dữ liệu đã cho.",
        ],
        R::ConsentInvalid => [
            "Sự đồng ý không có hiệu lực",
            "Không có sự đồng ý nào mang mã này cho người, cơ quan và mục đích này trong ngày hôm nay.",
        ],
        R::OutOfHours => [
            "Ngoài giờ khai thác",
            "Thỏa thuận của bạn cho mục đích này chỉ có hiệu lực trong những giờ khác.",
        ],
        R::OwnRecord => [
            "Hồ sơ của chính mình",
            "Theo thỏa thuận này, cán bộ không được tra cứu về chính mình.",
        ],
        R::DutyNotGranted => [
            "Chưa được giao quyền",
            "Thỏa thuận của bạn cho mục đích này không trao quyền mà lời gọi cần. ListGrants liệt kê các quyền của bạn.",
        ],
        R::ClaimNotGranted => [
            "Nội dung xác thực không được phép",
            "Thỏa thuận của bạn không cho phép xác thực nội dung này. Hãy xem các lỗi được liệt kê; ListGrants liệt kê những gì được xác thực.",
        ],
        R::OfficerRequired => [
            "Cần mã cán bộ",
            "Mục đích hoặc thỏa thuận yêu cầu nêu mã cán bộ.",
        ],
        R::DossierRequired => [
            "Cần thủ tục hoặc hồ sơ",
            "Mục đích hoặc thỏa thuận yêu cầu nêu thủ tục hoặc số hồ sơ. Hãy xem các lỗi được liệt kê.",
        ],
        R::EnumerationSuspected => [
            "Nghi ngờ dò quét",
            "Chuỗi câu hỏi có dấu hiệu dò quét dữ liệu. Hãy liên hệ đơn vị vận hành.",
        ],
        R::PersonNotFound => [
            "Không tìm thấy",
            "Mọi nguồn được hỏi đều trả lời không có người này.",
        ],
        R::RecordNotFound => [
            "Không tìm thấy bản ghi",
            "Nhật ký không có bản ghi này, hoặc bản ghi chưa nằm dưới điểm kiểm tra nào. Nếu vừa được tạo, hãy hỏi lại sau một giây.",
        ],
        R::BatchJobNotFound => [
            "Không tìm thấy lô yêu cầu",
            "Bên gọi không có lô yêu cầu nào mang mã này, hoặc lô đã hết hạn và kết quả đã bị hủy.",
        ],
        R::SubjectAmbiguous => [
            "Trùng nhiều người",
            "Số này trùng với nhiều người. Hãy hỏi bằng số định danh cá nhân.",
        ],
        R::CheckpointNotKept => [
            "Điểm kiểm tra không được giữ",
            "Chỉ điểm kiểm tra mới nhất được giữ lại. Hãy hỏi với kích thước 0 để nhận bằng chứng dẫn tới nó.",
        ],
        R::RequestIdReused => [
            "Mã yêu cầu đã dùng",
            "Mã yêu cầu đã được dùng cho một yêu cầu khác. Hãy tạo mã mới cho mỗi câu hỏi.",
        ],
        R::RequestInProgress => [
            "Yêu cầu đang xử lý",
            "Chính yêu cầu này đang được xử lý. Hãy chờ câu trả lời.",
        ],
        R::QuotaExceeded => [
            "Hết hạn mức",
            "Hạn mức của bạn đã hết. Hãy hỏi lại sau thời gian được nêu.",
        ],
        R::PayloadTooLarge => ["Yêu cầu quá lớn", "Yêu cầu vượt quá kích thước cho phép."],
        R::UnsupportedMediaType => [
            "Kiểu nội dung không hỗ trợ",
            "Kiểu nội dung hoặc mã hóa không được hỗ trợ. REST nhận application/json mã UTF-8.",
        ],
        R::NotServed => [
            "Không được phục vụ",
            "Không có phương thức, tài nguyên hoặc kiểu mã hóa này.",
        ],
        R::DeadlineExceeded => [
            "Hết thời gian",
            "Đã hết thời gian dành cho cuộc gọi. Không có dữ liệu nào được trả ra.",
        ],
        R::RequiredSourceUnavailable => [
            "Nguồn bắt buộc không trả lời",
            "Một nguồn bạn yêu cầu bắt buộc đã không trả lời. Hãy hỏi lại sau hoặc bỏ yêu cầu bắt buộc.",
        ],
        R::AllSourcesUnavailable => [
            "Không nguồn nào trả lời",
            "Không nguồn nào trả lời. Điều này không nói lên gì về người được hỏi. Hãy hỏi lại sau.",
        ],
        R::SourceAnswerInvalid => [
            "Nguồn trả lời không dùng được",
            "Nguồn trả về nội dung không sử dụng được. Hãy hỏi lại một lần sau đó.",
        ],
        R::Maintenance => [
            "Nguồn đang bảo trì",
            "Nguồn đang bảo trì theo kế hoạch. Hãy hỏi lại sau thời gian được nêu.",
        ],
        R::SourceSuspended => [
            "Nguồn bị tạm dừng",
            "Nguồn tạm thời không được hỏi. Điều này không nói gì về công dân. Hãy hỏi lại sau thời gian được nêu.",
        ],
        R::Overloaded => [
            "Quá tải",
            "Hệ thống quá tải và chưa bắt đầu cuộc gọi này. Hãy hỏi lại sau thời gian được nêu.",
        ],
        R::AuditBackpressure => [
            "Ghi nhật ký không kịp",
            "Việc ghi nhật ký không theo kịp nên không nguồn nào được hỏi. Hãy hỏi lại sau thời gian được nêu.",
        ],
        R::AuditUnavailable => [
            "Không ghi được nhật ký",
            "Không ghi được nhật ký của cuộc gọi nên không dữ liệu nào được trả ra. Hãy hỏi lại sau.",
        ],
        R::Draining => [
            "Đang dừng",
            "Nút này đang dừng. Hãy hỏi lại; nút khác sẽ trả lời.",
        ],
        R::Internal => [
            "Lỗi nội bộ",
            "Hệ thống gặp lỗi. Hãy gửi mã yêu cầu cho đơn vị vận hành.",
        ],
    }
}
